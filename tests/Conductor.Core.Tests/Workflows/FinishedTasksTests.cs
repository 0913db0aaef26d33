using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using Conductor.Tests.Support;
using Conductor.Threading;
using Conductor.Workflows;

namespace Conductor.Tests.Workflows;

public sealed class FinishedTasksTests
{
    [ThreadStatic]
    private static bool _isAdding;

    [Fact]
    public async Task TakeAll_GivesAllThatAreThere_InTheirOrder()
    {
        var finished = new FinishedTasks(new StrongBox<bool>(true));
        finished.Add(NewTask(1));
        finished.Add(NewTask(2));

        await finished.WaitAsync();

        Numbers(finished.TakeAll()).Should().Equal(1, 2);
        finished.TakeAll().Should().BeNull();
    }

    [Fact]
    public async Task WaitAsync_GoesOnAtATaskOrANudge_AndNotWithinTheCallThatAdds()
    {
        var finished = new FinishedTasks(new StrongBox<bool>(true));
        foreach (var wake in (Action[])[() => finished.Add(NewTask(1)), finished.Nudge])
        {
            var went = Continue();
            went.IsCompleted.Should().BeFalse();
            _isAdding = true;
            wake();
            _isAdding = false;
            await went;
            finished.TakeAll();
        }

        async Task Continue()
        {
            await finished.WaitAsync().ConfigureAwait(false);
            _isAdding.Should().BeFalse("what the loop does next may take long");
        }
    }

    [Fact]
    public async Task WaitAsync_TasksAreThere_TheThreadDoesFirstWhatItWasHanded()
    {
        // A thread that others interrupt may have it done by them.
        for (var attempt = 0; attempt < 1_000; attempt++)
        {
            var finished = new FinishedTasks(new StrongBox<bool>(true));
            var seen = new ConcurrentQueue<string>();
            var over = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            Lane.Add(new LaneItem(() => _ = TurnAsync()));
            await over.Task;
            if (seen.SequenceEqual(["handed over", "next turn"]))
            {
                return;
            }

            async Task TurnAsync()
            {
                finished.Add(NewTask(1));
                Lane.Add(new LaneItem(() => seen.Enqueue("handed over")));
                await finished.WaitAsync();
                seen.Enqueue("next turn");
                over.SetResult();
            }
        }

        Assert.Fail("The next turn came first every time.");
    }

    [Fact]
    public async Task Nudge_BeforeItIsWaitedFor_IsNotLost()
    {
        var finished = new FinishedTasks(new StrongBox<bool>(true));
        finished.Nudge();

        await finished.WaitAsync();

        finished.TakeAll().Should().BeNull();
        finished.WaitAsync().AsTask().IsCompleted.Should().BeFalse("one nudge wakes once");
    }

    [Fact]
    public async Task Add_FromManyThreads_LosesNone()
    {
        const int Threads = 8;
        const int Each = 5_000;
        var finished = new FinishedTasks(new StrongBox<bool>(true));
        var adding = Parallel.ForAsync(0, Threads, new ParallelOptions { MaxDegreeOfParallelism = Threads }, async (thread, _) =>
        {
            for (var i = 0; i < Each; i++)
            {
                finished.Add(NewTask(i));
                if (i % 50 == 0)
                {
                    finished.Nudge();
                    await Task.Yield();
                }
            }
        });

        var taken = 0;
        while (taken < Threads * Each)
        {
            await finished.WaitAsync();
            taken += Numbers(finished.TakeAll()).Count;
        }

        await adding;
        taken.Should().Be(Threads * Each);
    }

    /// <summary>A task that nobody began: it only stands in the list.</summary>
    private static RunningTask NewTask(int index) => new() { Index = index };

    private static List<int> Numbers(RunningTask? first)
    {
        List<int> numbers = [];
        for (var task = first; task is not null; task = task.Next)
        {
            numbers.Add(task.Index);
        }

        return numbers;
    }
}
