namespace Conductor.Samples.Tests;

/// <summary>What a sample cannot work with is said in a sentence, and not as an exception that nobody caught.</summary>
[Collection(nameof(SampleRun))]
public sealed class SampleInputTests
{
    private const int BadInput = 2;

    /// <summary>Where folders for temporary files are looked for: the first on Unix, the others on Windows.</summary>
    private static readonly string[] _tempFolder = ["TMPDIR", "TMP", "TEMP"];

    [Theory]
    [InlineData("ReleasePipeline", "The name of the library's folder is empty.")]
    [InlineData("CrashAndResume", "The name of the folder is empty.")]
    public async Task Run_EmptyFolder_SaysSo(string sample, string complaint)
    {
        var run = await SampleRun.OfAsync(sample, "");

        run.ExitCode.Should().Be(BadInput, run.Output + run.Error);
        (run.Output + run.Error).Should().Contain(complaint).And.NotContain("Unhandled exception");
    }

    [Theory]
    [InlineData("ReleasePipeline")]
    [InlineData("CrashAndResume")]
    public async Task Run_NoFolderForTemporaryFiles_NamesItAndTheFix(string sample)
    {
        var missing = Path.Combine(AppContext.BaseDirectory, "no-such-folder");

        var run = await SampleRun.WithAsync(_tempFolder.ToDictionary(static name => name, _ => missing), sample);

        run.ExitCode.Should().Be(BadInput, run.Output + run.Error);
        (run.Output + run.Error).Should().Contain(missing).And.Contain("TMPDIR").And.NotContain("Unhandled exception");
    }
}
