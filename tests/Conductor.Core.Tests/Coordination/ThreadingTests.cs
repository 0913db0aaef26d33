using System.Collections.Concurrent;
using System.Globalization;
using Conductor.Policies;
using Conductor.Tests.Support;

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
    public async Task AgentThatSetsAnAsyncLocal_LeavesNothingToWhatFollows()
    {
        var ambient = new AsyncLocal<string?>();
        var policy = new RecordingPolicy(() => ambient.Value);
        await using var rig = await Rig.StartAsync(new RigOptions { Policies = [policy] });
        var seen = new ConcurrentQueue<string?>();
        await rig.AddAsync(async (_, _) =>
        {
            await Task.Yield();
            seen.Enqueue(ambient.Value);
            ambient.Value = "left by one that suspends";
            return TaskData.Empty;
        });
        await rig.AddAsync(_ =>
        {
            seen.Enqueue(ambient.Value);
            ambient.Value = "left by one that does not";
            return TaskData.Empty;
        });

        await Task.WhenAll(Enumerable.Range(0, 100).Select(_ => rig.DispatchAsync(Rig.NewTask())));

        seen.Should().HaveCount(100).And.OnlyContain(static value => value == null);
        policy.Seen.Should().HaveCount(100).And.OnlyContain(static value => value == null);
        ambient.Value.Should().BeNull();
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

    private sealed class RecordingPolicy(Func<string?> look) : Policy<DispatchPolicyContext>
    {
        public ConcurrentQueue<string?> Seen { get; } = new();

        public override string Name => "recording";

        public override string Description => "Notes what it sees.";

        protected override ValueTask<PolicyResult> EvaluateAsync(DispatchPolicyContext context, CancellationToken cancellationToken)
        {
            Seen.Enqueue(look());
            return new ValueTask<PolicyResult>(Allowed);
        }
    }

    private sealed class RefusingPolicy(string name) : Policy<DispatchPolicyContext>
    {
        public override string Name => "refusing";

        public override string Description => "Refuses tasks of one name.";

        protected override ValueTask<PolicyResult> EvaluateAsync(
            DispatchPolicyContext context, CancellationToken cancellationToken) =>
            new(context.Task.Name == name ? Denied("that name") : Allowed);
    }
}
