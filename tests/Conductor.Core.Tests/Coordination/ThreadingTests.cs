using System.Globalization;
using System.Threading.Tasks.Sources;
using Conductor.Policies;
using Conductor.Tests.Support;
using Microsoft.Extensions.DependencyInjection;

namespace Conductor.Tests.Coordination;

/// <summary>Who runs on whose thread, when a dispatch had to wait (docs/performance.md, decision 14).</summary>
public sealed class ThreadingTests
{
    [Fact]
    public async Task DispatchThatWaited_AgentDoesNotSeeItsCallersContext()
    {
        await using var rig = await Rig.StartAsync();
        var ambient = new AsyncLocal<string?>();
        var seen = new List<string?>();
        var gate = new SemaphoreSlim(0);
        await rig.AddAsync(async (_, token) =>
        {
            seen.Add(ambient.Value);
            await gate.WaitAsync(token);
            return TaskData.Empty;
        });
        var first = rig.DispatchAsync(Rig.NewTask());
        await Rig.UntilAsync(() => seen.Count == 1, "the first");

        ambient.Value = "caller";
        var second = rig.DispatchAsync(Rig.NewTask());
        await Rig.UntilAsync(() => rig.Coordinator.WaitingTasks == 1, "the second");
        gate.Release(2);
        await Task.WhenAll(first, second);

        seen.Should().Equal(null, null);
        ambient.Value.Should().Be("caller");
    }

    [Fact]
    public async Task AgentsThatSuspendNowAndThen_EachCallerGetsItsOwnResultAndKeepsItsContext()
    {
        await using var rig = await Rig.StartAsync();
        var ambient = new AsyncLocal<int>();
        for (var i = 0; i < 4; i++)
        {
            await rig.AddAsync(async (task, _) =>
            {
                var number = task.Input.Get<int>();
                for (var turn = 0; turn < number % 3; turn++)
                {
                    ambient.Value = -1;
                    await Task.Yield();
                }

                return number % 7 == 0 ? throw new InvalidDataException($"{number}") : TaskData.From(number);
            });
        }

        await Task.WhenAll(Enumerable.Range(1, 100).Select(number => Task.Run(async () =>
        {
            ambient.Value = number;
            var result = await rig.DispatchAsync(Rig.NewTask() with { Input = TaskData.From(number), Retry = new RetrySettings { MaxRetries = 0 } });

            ambient.Value.Should().Be(number);
            (result.IsSuccess ? result.Output.Get<int>() : int.Parse(result.Error!.Message, CultureInfo.InvariantCulture)).Should().Be(number);
            result.IsSuccess.Should().Be(number % 7 != 0);
        })));
    }

    [Fact]
    public async Task AgentThatLeavesSomethingOnItsThread_WhatFollowsDoesNotSeeIt()
    {
        var ambient = new AsyncLocal<string?>();
        var seen = new List<(string? Ambient, SynchronizationContext? Synchronization)>();
        var services = new ServiceCollection().AddScoped(_ => new OnDisposal(() => seen.Add((ambient.Value, SynchronizationContext.Current))));
        await using var provider = services.AddConductor().Services.BuildServiceProvider();
        await using var conductor = await provider.StartConductorAsync();
        var agent = new LambdaAgent((task, _) =>
        {
            task.Services.GetRequiredService<OnDisposal>();
            ambient.Value = "left";
            SynchronizationContext.SetSynchronizationContext(new SynchronizationContext());
            return new ValueTask<TaskData>(TaskData.Empty);
        });
        await conductor.Coordinator.RegisterAgentAsync(agent, AgentType.Coding);

        var result = await conductor.Coordinator.DispatchTaskAsync(Rig.NewTask());

        result.EnsureSucceeded();
        seen.Should().Equal((null, null));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task PoliciesOfAnApplication_CallersContextRunsNothing_GoOnWithoutIt(bool isRun)
    {
        await using var rig = await Rig.StartAsync(new RigOptions { Policies = [new Yielding<DispatchPolicyContext>(), new Yielding<GatePolicyContext>()] });
        await rig.AddAsync(static _ => TaskData.Empty);
        var definition = WorkflowDefinition.Create("one").Phase(WorkflowPhase.Development, static phase => phase.Task("code", AgentType.Coding)).Build();
        var blocked = new BlockedContext();
        SynchronizationContext.SetSynchronizationContext(blocked);
        Task ended;
        try
        {
            ended = isRun ? rig.Engine.RunWorkflowAsync(definition).AsTask() : rig.DispatchAsync();
            SynchronizationContext.Current.Should().BeSameAs(blocked, "the caller keeps it");
        }
        finally
        {
            SynchronizationContext.SetSynchronizationContext(null);
        }

        await Rig.UntilAsync(() => ended.IsCompleted, "what goes on without the caller's context");
        await ended;
    }

    [Fact]
    public async Task AgentThatReturnsAValueTaskThatWasAwaitedBefore_FailsLikeAnyOther()
    {
        await using var rig = await Rig.StartAsync();
        await rig.AddAsync((_, _) => new ValueTask<TaskData>(new Stale(), 7));

        var result = await rig.DispatchAsync(Rig.NewTask() with { Retry = new RetrySettings { MaxRetries = 0 } });

        (result.Status, result.Error!.Message).Should().Be((AgentTaskStatus.Failed, "stale"));
        rig.Logs.GetSnapshot().Should().Contain(static entry => entry.Id.Id == 1300).And.NotContain(static entry => entry.Id.Id == 1307);
    }

    [Fact]
    public async Task DispatchThatWaited_AgentBlocksItsThread_CallerBeforeGoesOn()
    {
        await using var rig = await Rig.StartAsync();
        using var started = new SemaphoreSlim(0);
        using var firstGoesOn = new ManualResetEventSlim();
        var runs = 0;
        await rig.AddAsync(async (_, token) =>
        {
            started.Release();
            if (Interlocked.Increment(ref runs) == 1)
            {
                // Ends on a thread of the pool, as after any real work.
                await Rig.UntilAsync(() => rig.Coordinator.WaitingTasks == 1, "the second");
            }
            else
            {
                firstGoesOn.Wait(TimeSpan.FromSeconds(30), token).Should().BeTrue("whoever dispatched before goes on while this agent holds its thread");
            }

            return TaskData.Empty;
        });
        var first = GoOnAsync();
        await started.WaitAsync();
        var second = await rig.DispatchAsync(Rig.NewTask());
        await first;

        second.EnsureSucceeded();

        async Task GoOnAsync()
        {
            await rig.DispatchAsync(Rig.NewTask());
            firstGoesOn.Set();
        }
    }

    [Fact]
    public async Task DispatchThatWaitedAndIsRefused_CallerBlocks_AgentServesOthers()
    {
        var rig = await Rig.StartAsync();
        await using var disposal = rig;
        var gate = new SemaphoreSlim(0);
        using var served = new ManualResetEventSlim();
        await rig.AddAsync(async (_, token) =>
        {
            await gate.WaitAsync(token);
            return TaskData.Empty;
        });
        var first = rig.DispatchAsync(Rig.NewTask());
        await Rig.UntilAsync(() => rig.Coordinator.RunningTasks == 1, "the first");
        var refused = BlockWhenRefusedAsync();
        await Rig.UntilAsync(() => rig.Coordinator.WaitingTasks == 1, "the one to be refused");
        rig.Policies.RegisterPolicy(new RefusingPolicy("refused"));

        gate.Release(2);
        await first;
        await rig.DispatchAsync(Rig.NewTask());
        served.Set();

        (await refused).Should().BeTrue("the agent was given to others while the refused caller held its thread");

        async Task<bool> BlockWhenRefusedAsync()
        {
            try
            {
                await rig.DispatchAsync(Rig.NewTask() with { Name = "refused" });
                return false;
            }
            catch (PolicyViolationException)
            {
                return served.Wait(TimeSpan.FromSeconds(30));
            }
        }
    }

    [Fact]
    public async Task CallerThatBlocksItsThreadWhereItsAgentEnded_GetsItsResults()
    {
        await using var rig = await Rig.StartAsync();
        await rig.AddAsync(static (task, _) => new ValueTask<TaskData>(task.Input));

        // Not in the test's own context: whoever awaits there goes on elsewhere.
        await Task.Run(async () =>
        {
            // Until the agent is known to be brief.
            for (var turn = 0; turn < 100; turn++)
            {
                await rig.DispatchAsync(Rig.NewTask());
            }

            for (var turn = 0; turn < 3; turn++)
            {
#pragma warning disable VSTHRD002, VSTHRD103 // What nobody should do, and many do.
                rig.DispatchAsync(Rig.NewTask() with { Input = TaskData.From(turn) }).GetAwaiter().GetResult().Output.Get<int>().Should().Be(turn);
#pragma warning restore VSTHRD002, VSTHRD103
            }
        });
    }

    [Fact]
    public async Task BriefAgents_ThatBeginToWaitForEachOther_RunAtTheSameTime()
    {
        await using var rig = await Rig.StartAsync();
        using var both = new Barrier(2);
        var waits = false;
        for (var agent = 0; agent < 2; agent++)
        {
            await rig.AddAsync((_, token) => !Volatile.Read(ref waits) || both.SignalAndWait(TimeSpan.FromSeconds(30), token)
                ? new ValueTask<TaskData>(TaskData.Empty)
                : throw new TimeoutException("The other one did not begin."));
        }

        var results = await Task.Run(async () =>
        {
            for (var turn = 0; turn < 100; turn++)
            {
                await BothAsync();
            }

            Volatile.Write(ref waits, true);
            return await BothAsync();
        });

        Task<TaskResult[]> BothAsync() => Task.WhenAll(rig.DispatchAsync(Rig.NewTask()), rig.DispatchAsync(Rig.NewTask()));

        results.Should().OnlyContain(static result => result.IsSuccess);
    }

    /// <summary>A service of a task's scope.</summary>
    private sealed class OnDisposal(Action act) : IAsyncDisposable
    {
        public ValueTask DisposeAsync()
        {
            act();
            return ValueTask.CompletedTask;
        }
    }

    /// <summary>What stands behind a ValueTask that was awaited before.</summary>
    private sealed class Stale : IValueTaskSource<TaskData>
    {
        public TaskData GetResult(short token) => throw new InvalidOperationException("stale");

        public ValueTaskSourceStatus GetStatus(short token) => throw new InvalidOperationException("stale");

        public void OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
            throw new InvalidOperationException("stale");
    }

    private sealed class RefusingPolicy(string name) : Policy<DispatchPolicyContext>
    {
        public override string Name => "refusing";

        public override string Description => "Refuses tasks of one name.";

        protected override ValueTask<PolicyResult> EvaluateAsync(
            DispatchPolicyContext context, CancellationToken cancellationToken) =>
            new(context.Task.Name == name ? Denied("that name") : Allowed);
    }

    /// <summary>That of a thread that waits for what is posted to it.</summary>
    private sealed class BlockedContext : SynchronizationContext
    {
        public override void Post(SendOrPostCallback d, object? state)
        {
        }
    }

    private sealed class Yielding<TContext> : Policy<TContext>
        where TContext : PolicyContext
    {
        public override string Name => $"yielding {typeof(TContext).Name}";

        public override string Description => "Goes on where it is told to.";

        protected override async ValueTask<PolicyResult> EvaluateAsync(TContext context, CancellationToken cancellationToken)
        {
            await Task.Yield();
            return Allowed;
        }
    }
}
