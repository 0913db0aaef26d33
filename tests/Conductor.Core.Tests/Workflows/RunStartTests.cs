using Conductor.State;
using Conductor.Tests.Support;

namespace Conductor.Tests.Workflows;

/// <summary>Starting a run by an id, and finding the runs there are.</summary>
public sealed class RunStartTests
{
    [Fact]
    [Trait("Behaviour", "16")]
    public async Task StartWorkflowAsync_IdThatExists_GivesTheRunThatExists()
    {
        await using var rig = await Rig.StartAsync();
        var runs = 0;
        await rig.AddAllTypesAsync(_ => TaskData.From(Interlocked.Increment(ref runs)));
        var definition = Release.ThreePhases();
        await rig.Engine.RunWorkflowAsync(definition, new() { RunId = "r" });

        await using var again = await rig.Engine.StartWorkflowAsync(Release.ThreePhases(), new() { RunId = "r" });

        (await again.Completion).Status.Should().Be(WorkflowStatus.Completed);
        runs.Should().Be(5);
    }

    [Fact]
    [Trait("Behaviour", "16")]
    public async Task StartWorkflowAsync_SameIdAtOnce_StartsOne()
    {
        await using var rig = await Rig.StartAsync();
        var runs = 0;
        await rig.AddAllTypesAsync(_ => TaskData.From(Interlocked.Increment(ref runs)));

        var handles = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(async () =>
        {
            while (true)
            {
                try
                {
                    return await rig.Engine.StartWorkflowAsync(Release.ThreePhases(), new() { RunId = "r" });
                }
                catch (StateException exception) when (exception.IsTransient == true)
                {
                    await Task.Yield();
                }
            }
        })));
        await rig.DriveAsync(Task.WhenAll(handles.Select(handle => handle.Completion)));

        runs.Should().Be(5);
    }

    [Fact]
    public async Task StartWorkflowAsync_IdThatWasDeletedInProgress_EndsWhatIsLeftOfItFirst()
    {
        await using var rig = await Rig.StartAsync();
        var (begun, isCancelled) = (0, false);
        await rig.AddAllTypesAsync(static _ => TaskData.Empty);
        await rig.Coordinator.UnregisterAgentAsync("coding");
        for (var agent = 0; agent < 2; agent++)
        {
            await rig.AddAsync(async (_, token) =>
            {
                if (Interlocked.Increment(ref begun) == 1)
                {
                    await ((Task)Task.Delay(Timeout.Infinite, token)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                    Volatile.Write(ref isCancelled, true);
                    token.ThrowIfCancellationRequested();
                }

                return TaskData.Empty;
            });
        }

        var first = await rig.Engine.StartWorkflowAsync(Release.ThreePhases(), new() { RunId = "r" });
        await Rig.UntilAsync(() => Volatile.Read(ref begun) == 1, "its first task");
        await rig.State.DeleteWorkflowAsync("r");
        var second = await rig.Engine.StartWorkflowAsync(Release.ThreePhases(), new() { RunId = "r" });

        first.Completion.IsCompleted.Should().BeTrue("it is over before the other begins");
        (await FluentActions.Awaiting(() => first.Completion).Should().ThrowAsync<StateException>()).Which.ErrorCode.Should().Be(ErrorCodes.LeaseLost);
        (await second.Completion).Status.Should().Be(WorkflowStatus.Completed);
        await Rig.UntilAsync(() => Volatile.Read(ref isCancelled), "its task to hear of it");
    }

    [Fact]
    public async Task StartWorkflowAsync_IdOfAnotherDefinition_IsRefused()
    {
        await using var rig = await Rig.StartAsync();
        await rig.Engine.RunWorkflowAsync(new WorkflowDefinition { Name = "empty" }, new() { RunId = "r" });

        (await FluentActions.Awaiting(() => rig.Engine.StartWorkflowAsync(new WorkflowDefinition { Name = "other" }, new() { RunId = "r" }).AsTask())
            .Should().ThrowAsync<WorkflowValidationException>()).Which.Message.Should().ContainAll("'empty'", "'other'");
    }

    [Fact]
    [Trait("Behaviour", "16")]
    public async Task ListRunsAsync_ByStatusNameAndAge_FindsThem()
    {
        await using var rig = await Rig.StartAsync();
        await rig.AddAllTypesAsync(task => task.WorkflowId == "bad" ? throw new InvalidOperationException() : TaskData.Empty);
        await rig.Engine.RunWorkflowAsync(Release.ThreePhases(), new() { RunId = "old" });
        rig.Time.Advance(TimeSpan.FromHours(1));
        var between = rig.Time.GetUtcNow();
        await rig.Engine.RunWorkflowAsync(Release.ThreePhases(), new() { RunId = "bad" });
        await rig.Engine.RunWorkflowAsync(new WorkflowDefinition { Name = "empty" }, new() { RunId = "new" });

        (await Ids(new WorkflowQuery())).Should().BeEquivalentTo("old", "bad", "new");
        (await Ids(new WorkflowQuery { Status = WorkflowStatus.Failed })).Should().Equal("bad");
        (await Ids(new WorkflowQuery { DefinitionName = "empty" })).Should().Equal("new");
        (await Ids(new WorkflowQuery { StartedBefore = between })).Should().Equal("old");
        (await Ids(new WorkflowQuery { StartedSince = between })).Should().BeEquivalentTo("bad", "new");

        async Task<IEnumerable<string>> Ids(WorkflowQuery query) => (await rig.Engine.ListRunsAsync(query)).Items.Select(run => run.WorkflowId);
    }
}
