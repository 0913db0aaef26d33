namespace CrashAndResume;

/// <summary>What happened in the world outside, which no database can take back.</summary>
internal sealed class Ledger(string path)
{
    private readonly Lock _gate = new();

    public void Write(string line)
    {
        lock (_gate)
        {
            File.AppendAllText(path, line + Environment.NewLine);
        }
    }

    public static string[] Read(string path) => File.ReadAllLines(path);
}
