using Conductor.State;
using Conductor.Testing;
using Conductor.Tests.Support;
using static Conductor.Tests.Support.DeadOwners;

namespace Conductor.Tests.Workflows;

/// <summary>Dead letters of failures that were not committed before the process died, of tasks that succeed after all.</summary>
public sealed class SupersededLetterTests
{
    /// <summary>Its process died between the letter and the step that says that the task failed.</summary>
    [Theory]
    [Trait("Behaviour", "12")]
    [InlineData(true, false, 0)]
    [InlineData(false, false, 1)]
    [InlineData(true, true, 0)]
    public async Task RecoverAsync_AFailureWasKeptAsALetterAndNotCommitted_TheLetterIsTheLastOutcomes(bool succeeds, bool anotherDiesBetween, int letters)
    {
        await using var processes = new Processes();
        var one = Two() with { Tasks = [new TaskDefinition { Id = "t", AgentType = AgentType.Coding, Retry = new RetrySettings { MaxRetries = 0 } }] };
        var victim = await processes.StartAsync(wrap: static store => new InterceptedStateManager(store)
        {
            BeforeCommit = static number => _ = number < 3 ? number : throw new IOException("killed"),
        });
        await victim.AddAsync(static _ => throw new IOException("the network"));
        var lost = await victim.Engine.StartWorkflowAsync(one, Run);
        await FluentActions.Awaiting(() => lost.Completion.WaitAsync(TimeSpan.FromSeconds(20))).Should().ThrowAsync<IOException>();
        processes.LetLeasesRunOut();
        (await processes.Store.ListDeadLettersAsync()).Items.Should().ContainSingle().Which.Id.Should().StartWith("run:t:0:");
        if (anotherDiesBetween)
        {
            // Without having begun it: its agent is busy.
            var between = await processes.StartAsync();
            await between.AddAsync(StuckOn("busy"));
            _ = between.DispatchAsync(Rig.NewTask() with { Id = "busy" });
            (await between.Engine.RecoverAsync()).Should().Be(1);
            await Rig.UntilAsync(() => between.Coordinator.WaitingTasks == 1, "the task to wait");
            processes.LetLeasesRunOut();
        }

        var heir = await processes.StartAsync();
        await heir.AddAsync(_ => succeeds ? "done" : throw new IOException("the network"));

        await heir.Engine.RecoverAsync();

        (await CompleteAsync(heir)).TaskResults["t"].IsSuccess.Should().Be(succeeds);
        (await processes.Store.ListDeadLettersAsync()).Items.Should().HaveCount(letters);
    }

    /// <summary>The same for one that never began, which the history does not know: all circuits were open.</summary>
    [Theory]
    [Trait("Behaviour", "12")]
    [InlineData(true, 0)]
    [InlineData(false, 1)]
    public async Task RecoverAsync_ARefusalWasKeptAsALetterAndNotCommitted_TheLetterIsTheLastOutcomes(bool succeeds, int letters)
    {
        await using var processes = new Processes();
        var chain = Chain() with { Tasks = [.. Chain().Tasks.Select(static task => task with { Retry = new RetrySettings { MaxRetries = 0 } })] };
        var victim = await processes.StartAsync(wrap: static store => new InterceptedStateManager(store)
        {
            BeforeCommit = static number => _ = number < 4 ? number : throw new IOException("killed"),
        });
        await victim.AddAsync(_ =>
        {
            // Broken off as it ends: the second task finds no way in.
            for (var failure = 0; failure < 5; failure++)
            {
                victim.Errors.GetCircuitBreaker("agent-1").RecordFailure();
            }

            return "done";
        });
        var lost = await victim.Engine.StartWorkflowAsync(chain, Run);
        await FluentActions.Awaiting(() => lost.Completion.WaitAsync(TimeSpan.FromSeconds(20))).Should().ThrowAsync<IOException>();
        processes.LetLeasesRunOut();
        var left = (await processes.Store.ListDeadLettersAsync()).Items.Should().ContainSingle().Which;
        (left.Id, left.Code).Should().Be(($"run:second:0:{victim.Time.GetUtcNow().UtcTicks:x}", ErrorCodes.CircuitOpen));
        var heir = await processes.StartAsync();
        await heir.AddAsync(_ => succeeds ? "done" : throw new IOException("the network"));

        await heir.Engine.RecoverAsync();

        (await CompleteAsync(heir)).TaskResults["second"].IsSuccess.Should().Be(succeeds);
        (await processes.Store.ListDeadLettersAsync()).Items.Should().HaveCount(letters);
    }

    /// <summary>Each of its tasks may have left a letter; in a store that has none, none of them is looked for.</summary>
    [Theory]
    [InlineData(false, false)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public async Task RecoverAsync_TasksMayHaveLeftLetters_WhatIsThereGoes(bool isThere, bool listFails)
    {
        await using var processes = new Processes();
        var victim = await processes.StartAsync();
        await victim.AddAsync(static async (_, token) =>
        {
            await Task.Delay(Timeout.Infinite, token);
            return "never";
        });
        await victim.Engine.StartWorkflowAsync(Two(), Run);
        await Rig.UntilAsync(() => victim.Coordinator.RunningTasks == 1, "the first to run");
        var letter = new ErrorRecord { Id = $"run:b:0:{victim.Time.GetUtcNow().UtcTicks:x}", Code = ErrorCodes.CircuitOpen, Message = "refused", Timestamp = default };
        if (isThere)
        {
            await processes.Store.SaveDeadLetterAsync(letter);
        }

        processes.LetLeasesRunOut();
        LetterReads? reads = null;
        var heir = await processes.StartAsync(wrap: store => reads = new LetterReads(store, listFails));
        await heir.AddAsync(static _ => "done");

        await heir.Engine.RecoverAsync();

        (await CompleteAsync(heir)).TaskResults.Values.Should().OnlyContain(static result => result.IsSuccess);
        (await processes.Store.ListDeadLettersAsync()).Items.Should().BeEmpty();
        (reads!.Count > 0).Should().Be(isThere);
    }

    private static WorkflowDefinition Two() => new()
    {
        Name = "two",
        Phases = [WorkflowPhase.Development],
        Tasks = [.. "ab".Select(static id => new TaskDefinition { Id = $"{id}", AgentType = AgentType.Coding })],
    };

    /// <summary>Counts how often one letter is looked for.</summary>
    private sealed class LetterReads(StateManager store, bool listFails) : DelegatingStateManager(store)
    {
        private int _count;

        public int Count => _count;

        public override DurabilityLevel Durability => DurabilityLevel.ProcessCrash;

        protected override ValueTask<ErrorRecord?> GetDeadLetterCoreAsync(string id, CancellationToken cancellationToken)
        {
            Interlocked.Increment(ref _count);
            return base.GetDeadLetterCoreAsync(id, cancellationToken);
        }

        protected override ValueTask<Page<ErrorRecord>> ListDeadLettersCoreAsync(PageRequest page, CancellationToken cancellationToken) =>
            listFails ? throw new IOException("no list") : base.ListDeadLettersCoreAsync(page, cancellationToken);
    }
}
