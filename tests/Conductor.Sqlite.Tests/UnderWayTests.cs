using Conductor.Testing;
using Microsoft.Extensions.DependencyInjection;

namespace Conductor.Sqlite.Tests;

/// <summary>What the store has under way is known, so that the clock of a test stands still meanwhile.</summary>
public sealed class UnderWayTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task OperationsUnderWay_CountsWhatWaits_AndNothingThatEndedHoweverItDid()
    {
        await using var store = await _folder.OpenAsync();
        using var hasBegun = new ManualResetEventSlim();
        using var mayGoOn = new ManualResetEventSlim();
        using var givesUp = new CancellationTokenSource();
        var slow = store.WriteAsync(
            _ =>
            {
                hasBegun.Set();
                mayGoOn.Wait();
                return 1;
            },
            CancellationToken.None);
        hasBegun.Wait();
        var givenUp = store.WriteAsync(static _ => 1, givesUp.Token);
        var failing = store.WriteAsync<int>(static _ => throw new InvalidOperationException("no"), CancellationToken.None);
        var conflict = store.SaveAgentStateAsync(
            new AgentState { AgentId = "a", AgentType = AgentType.Coding, Status = AgentStatus.Idle }, StateExpectation.AtVersion(7)).AsTask();
        await givesUp.CancelAsync();
        var underWay = store.OperationsUnderWay;

        // Before anything is asserted: the store could not be closed otherwise.
        mayGoOn.Set();

        underWay.Should().BeGreaterThanOrEqualTo(4, "the look for what retention removes may be another");

        await slow;
        await FluentActions.Awaiting(() => givenUp).Should().ThrowAsync<OperationCanceledException>();
        await FluentActions.Awaiting(() => failing).Should().ThrowAsync<InvalidOperationException>();
        await FluentActions.Awaiting(() => conflict).Should().ThrowAsync<StateException>();
        await FluentActions.Awaiting(
            () => store.ReadAsync<int>(static _ => throw new InvalidOperationException("no"), CancellationToken.None)).Should().ThrowAsync<StateException>();
        await store.ReadAsync(static session => session.Pairs<string?, string?>("SELECT id, id FROM conductor_dead_letters"), CancellationToken.None);
        SpinWait.SpinUntil(() => store.OperationsUnderWay == 0, TimeSpan.FromSeconds(20)).Should().BeTrue();
    }

    /// <summary>
    /// Minutes of waiting, with commits to a disk between: none of them may meet a time limit, or lose its lease, because the clock went on without
    /// it.
    /// </summary>
    [Fact]
    public async Task TestHost_OnAFile_LetsNoTimePassWhileTheStoreWorks()
    {
        await using var host = await ConductorTestHost.StartAsync(builder => builder
            .AddAgent<string, string>("sleeper", static async (input, task, token) =>
            {
                await Task.Delay(TimeSpan.FromMinutes(3), task.TimeProvider, token);
                return input;
            }, count: 2)
            .UseSqlite(_folder.ConnectionString), new ConductorTestHostOptions { RealTimeLimit = TimeSpan.FromMinutes(1) });
        var definition = WorkflowDefinition.Create("nights").Phase(WorkflowPhase.Development, static phase =>
        {
            for (var night = 0; night < 4; night++)
            {
                phase.Task($"{night}", new AgentType("sleeper"), "well").Timeout(TimeSpan.FromMinutes(4)).Retry(0);
            }
        }).Build();

        var state = await host.WaitAsync(host.Workflows.RunWorkflowAsync(definition));

        state.EnsureCompleted();
        host.Time.Elapsed.Should().BeCloseTo(TimeSpan.FromMinutes(6), TimeSpan.FromSeconds(10));
    }
}
