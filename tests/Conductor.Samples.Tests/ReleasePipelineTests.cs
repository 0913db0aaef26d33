namespace Conductor.Samples.Tests;

[Collection(nameof(SampleRun))]
public sealed class ReleasePipelineTests
{
    private const int BadInput = 2;

    [Fact]
    public async Task Run_ShippedLibraryWithFaults_IsReleasedAfterOneFeedbackRound()
    {
        var run = await SampleRun.OfAsync("ReleasePipeline");

        run.ExitCode.Should().Be(0, run.Output + run.Error);
        run.Lines().Count(static line => line.Contains("FeedbackRoundStarted", StringComparison.Ordinal)).Should().Be(1);
        run.Output.Should().MatchRegex(@"│ Round +│ Phase +│ Task +│ Status +│", "the table is printed")
            .And.Contain("Round 1 began because monitoring sent back:")
            .And.Contain("flowchart LR").And.Contain("subgraph p2[\"monitoring\"]")
            .And.MatchRegex(@"Released in \d+ s, 1 feedback round\(s\)\.");
    }

    [Fact]
    public async Task Run_UnknownOption_NamesItAndTheUsage()
    {
        var run = await SampleRun.OfAsync("ReleasePipeline", "--publish");

        run.ExitCode.Should().Be(BadInput);
        run.Output.Should().Contain("Unknown option '--publish'.").And.Contain("Usage: ReleasePipeline");
    }
}
