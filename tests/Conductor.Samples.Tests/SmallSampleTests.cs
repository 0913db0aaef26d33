namespace Conductor.Samples.Tests;

[Collection(nameof(SampleRun))]
public sealed class SmallSampleTests
{
    [Fact]
    public async Task HelloAgent_Run_SaysHello()
    {
        var run = await SampleRun.OfAsync("HelloAgent");

        run.Should().BeEquivalentTo(new { ExitCode = 0, Output = "Hello Ada\n", Error = "" });
    }

    [Fact]
    public async Task YourOwnTypes_Run_ShowsOwnPhasesLiveAndAsAPicture()
    {
        var run = await SampleRun.OfAsync("YourOwnTypes");

        (run.ExitCode, run.Error).Should().Be((0, ""));
        run.Lines().Should().ContainInOrder(
            "In German: Guten Morgen!",
            "1  WorkflowStarted  InProgress  bilingual page 1",
            "2  PhaseStarted  translation",
            "9  PhaseFinished  translation  passed",
            "10  PhaseStarted  print",
            "12  TaskFinished  print  page  Completed  typesetter-1",
            "14  WorkflowFinished  print  Completed",
            "Greetings: Guten Morgen! Bonjour! (3 words)",
            "flowchart LR",
            "subgraph p0[\"translation\"]",
            "subgraph p1[\"print\"]",
            "class t0,t1,t2,t3 Completed");
        run.Lines().Should().Contain("-  Progress  translation  french  translator-1  50%  'Bonjour' needs polishing");
    }

    [Fact]
    public void YourOwnTypes_Source_ShowsTheJsonContextThatTheGuideSendsReadersFor()
    {
        var folder = Path.Combine(BuildOutput.RepositoryRoot, "samples", "YourOwnTypes");

        string.Concat(Directory.GetFiles(folder, "*.cs").Select(File.ReadAllText)).Should().ContainAll(": JsonSerializerContext", ".AddJsonContext(");
    }

    [Fact]
    public async Task Policies_Run_DeniesTriesOthersAndWaits()
    {
        var run = await SampleRun.OfAsync("Policies");

        (run.ExitCode, run.Error).Should().Be((0, ""));
        run.Lines().Should().ContainInOrder(
            "forbidden_files: Nobody copies crown-jewels.txt.",
            "clearance: Secret files are for archivist only.",
            "POLICY_VIOLATION by forbidden_files: 'crown-jewels.txt' must not be copied.",
            "letters.txt copied by archivist",
            "without a limit: 3 files copied, at most 3 at once",
            "with a limit of 1: 3 files copied, at most 1 at once",
            "without it again: 3 files copied, at most 3 at once",
            "Check: False",
            "Evaluate: task_timeout allows",
            "Evaluate: forbidden_files denies: 'crown-jewels.txt' must not be copied.",
            "Evaluate: clearance allows",
            "Enforce: Policy 'forbidden_files' denied: 'crown-jewels.txt' must not be copied.");
    }

    [Fact]
    public async Task FailureHandling_Run_RetriesBreaksOffHealsAndReplays()
    {
        var run = await SampleRun.OfAsync("FailureHandling");

        (run.ExitCode, run.Error).Should().Be((0, ""));
        run.Lines().Should().ContainInOrder(
            "attempt 3 to Elm Street, receipt 1",
            "delivered to Elm Street at attempt 3, charged 1 time(s)",
            "Failed after 3 attempts",
            "dead letter: TRANSIENT_ERROR, The road to Nowhere is blocked.",
            "attempt 1 to Oak Avenue, receipt 2",
            "delivered to Oak Avenue, charged 2 time(s) for two parcels",
            "on conductor:errors: Escalate, UNKNOWN_ERROR, Fireworks are not delivered.",
            "photo Skipped, deliver Completed, workflow Completed",
            "Ada: Failed after 3 attempt(s), circuit Closed",
            "Grace: Failed after 1 attempt(s), circuit Open",
            "Edsger: CIRCUIT_OPEN, not even tried",
            "circuit HalfOpen",
            "Completed: label for Ada",
            "Completed: label for Grace",
            "Completed: label for Edsger",
            "circuit Closed, 0 dead letter(s) left");
    }

    [Fact]
    public async Task CrashAndResume_Run_DiesGoesOnAndDoesNothingTwice()
    {
        var run = await SampleRun.OfAsync("CrashAndResume");

        (run.ExitCode, run.Error).Should().Be((0, ""));

        // The first life may be dead before it has printed anything; the second prints the history from the start.
        run.Lines().Should().ContainInOrder(
            "First life:", "Second life, on the same file:", "TaskFinished soup", "TaskFinished cake", "the run ended as Completed with 4 of 4 tasks");
        run.Lines().Should().ContainInOrder(
            "cook soup, delivery 1", "buy soup", "cook fish, delivery 1", "buy fish", "cook fish, delivery 2", "cook cake, delivery 1", "buy cake", "bill");
        run.Lines()[^1].Should().Be("Every course was bought once: True. The soup, finished before the crash, was cooked 1 time(s).");
    }
}
