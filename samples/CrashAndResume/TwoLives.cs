using System.Diagnostics;

namespace CrashAndResume;

/// <summary>Runs this program twice on one folder, and shows what happened.</summary>
internal static class TwoLives
{
    /// <summary>The exit code where there is no folder to work in.</summary>
    public const int NoFolder = 2;

    public static async Task<int> RunAsync()
    {
        string folder;
        try
        {
            folder = Directory.CreateTempSubdirectory("crash-and-resume-").FullName;
        }
        catch (Exception wrong) when (wrong is IOException or UnauthorizedAccessException)
        {
            await Console.Error.WriteLineAsync(
                $"No folder can be made in '{Path.GetTempPath()}', the folder for temporary files ({wrong.Message}). " +
                "Set TMPDIR (on Windows TMP) to a folder that exists and can be written to.");
            return NoFolder;
        }

        try
        {
            Console.WriteLine("First life:");
            var first = await LiveAsync(folder);
            Console.WriteLine($"   the process died (exit code {first})\n\nSecond life, on the same file:");
            var second = await LiveAsync(folder);

            Console.WriteLine("\nWhat happened outside, over both lives:");
            var lines = Ledger.Read(Path.Combine(folder, "ledger.txt"));
            Console.WriteLine(string.Join(Environment.NewLine, lines.Select(static line => $"   {line}")));
            var purchases = lines.Where(static line => line.StartsWith("buy", StringComparison.Ordinal)).ToList();
            var boughtOnce = purchases.Count == 3 && purchases.Distinct(StringComparer.Ordinal).Count() == 3;
            var soups = lines.Count(static line => line.StartsWith("cook soup", StringComparison.Ordinal));
            Console.WriteLine($"\nEvery course was bought once: {boughtOnce}. The soup, finished before the crash, was cooked {soups} time(s).");
            return first != 0 && second == 0 && boughtOnce && soups == 1 ? 0 : 1;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task<int> LiveAsync(string folder)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!) { RedirectStandardError = true };
        if (Path.GetFileNameWithoutExtension(Environment.ProcessPath!) == "dotnet")
        {
            start.ArgumentList.Add(typeof(TwoLives).Assembly.Location);
        }

        start.ArgumentList.Add(folder);
        using var life = Process.Start(start)!;

        // What the runtime says about the crash is of no interest here.
        await life.StandardError.ReadToEndAsync();
        await life.WaitForExitAsync();
        return life.ExitCode;
    }
}
