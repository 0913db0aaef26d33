using System.Diagnostics;
using Conductor.Tests.Support;
using Conductor.Threading;

namespace Conductor.Tests.Threading;

/// <summary>Brief work comes next on the thread that handed it over, and never waits for one that does not come back (decision 21).</summary>
public sealed class LaneTests
{
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(30);

    /// <summary>How often something is tried that a thread interrupted by others does not do.</summary>
    private const int Attempts = 1_000;

    [Fact]
    public async Task BriefWork_ComesNextOnTheSameThreadInItsOrder()
    {
        for (var attempt = 0; attempt < Attempts; attempt++)
        {
            var seen = new List<(int Number, int Thread)>();
            await RunAsync(over =>
            {
                var own = Environment.CurrentManagedThreadId;
                Lane.Add(new LaneItem(() => Note(1)));
                Lane.Add(new LaneItem(() => Note(2)));
                Lane.Add(new LaneItem(() =>
                {
                    Note(3);
                    over();
                }));
                Note(0);

                void Note(int number)
                {
                    lock (seen)
                    {
                        seen.Add((number, Environment.CurrentManagedThreadId - own));
                    }
                }
            });
            await Rig.UntilAsync(() => seen.Count == 4, "all");
            if (seen.SequenceEqual([(0, 0), (1, 0), (2, 0), (3, 0)]))
            {
                return;
            }
        }

        Assert.Fail("It went to other threads every time.");
    }

    [Theory]
    [InlineData(true, false)]
    [InlineData(false, true)]
    public async Task WorkNotKnownToBeBrief_OrHandedOverByWorkThatIsNot_DoesNotWaitForTheThread(bool isRootBrief, bool isBrief)
    {
        for (var attempt = 0; attempt < Attempts; attempt++)
        {
            var ranBefore = false;
            await RunAsync(
                over =>
                {
                    using var ran = new ManualResetEventSlim();
                    Lane.Add(new LaneItem(ran.Set, isBrief));

                    // Sooner than the watch would find out.
                    ranBefore = ran.Wait(TimeSpan.FromMilliseconds(4));
                    ran.Wait(_limit).Should().BeTrue();
                    over();
                },
                isRootBrief);
            if (ranBefore)
            {
                return;
            }
        }

        Assert.Fail("It waited for the thread every time.");
    }

    [Fact]
    public async Task BriefWork_ThreadDoesNotComeBack_GoesToOthers() => await RunAsync(static over =>
    {
        using var ran = new SemaphoreSlim(0);
        Lane.Add(new LaneItem(() => ran.Release()));
        Lane.Add(new LaneItem(() => ran.Release()));
        WaitForBoth();

        // Now that it is known not to come back: what it hands over by itself, and what it gathers.
        Lane.Add(new LaneItem(() => ran.Release()));
        using (Lane.Gather())
        {
            Lane.Add(new LaneItem(() => ran.Release()));
            WaitForBoth();
        }

        over();

        void WaitForBoth() => (ran.Wait(_limit) && ran.Wait(_limit)).Should().BeTrue();
    });

    [Fact]
    public async Task BriefWork_WaitsForOtherWorkOfTheLane_GoesToOthers()
    {
        var met = 0;
        await RunAsync(over =>
        {
            var both = new Barrier(2, _ => over());
            for (var item = 0; item < 2; item++)
            {
                Lane.Add(new LaneItem(() => Interlocked.Add(ref met, both.SignalAndWait(_limit) ? 1 : 0)));
            }
        });

        await Rig.UntilAsync(() => Volatile.Read(ref met) == 2, "both");
    }

    [Fact]
    public async Task WorkThatHeldItsThread_IsNotBriefAnyMore()
    {
        var item = new LaneItem(static () => Spin(TimeSpan.FromMicroseconds(100)));
        await RunAsync(over =>
        {
            Lane.Add(item);
            Lane.Add(new LaneItem(over));
        });

        await Rig.UntilAsync(() => !item.IsBrief, "it to be known");
    }

    [Fact]
    public async Task WorkThatWasOverAtOnce_IsBrief()
    {
        var item = new LaneItem(static () => { }, isBrief: false);
        for (var attempt = 0; attempt < Attempts && !item.WasBrief; attempt++)
        {
            await RunAsync(over =>
            {
                Lane.Add(item);
                over();
            });
        }

        await Rig.UntilAsync(() => item.WasBrief, "it to be known");
    }

    [Fact]
    public async Task WorkThatFollowsWorkForLong_IsDoneToTheLast()
    {
        // Some milliseconds: a lane leaves its thread to others several times.
        const int Count = 100_000;
        var done = 0;
        await RunAsync(over =>
        {
            LaneItem? chain = null;
            chain = new LaneItem(() =>
            {
                if (++done == Count)
                {
                    over();
                }
                else
                {
                    Lane.Add(chain!);
                }
            });
            Lane.Add(chain);
        });

        done.Should().Be(Count);
    }

    [Fact]
    public async Task MuchWork_EachIsDoneOnce()
    {
        // Trees of work, some of which takes longer than a slice, and some of which blocks its thread.
        const int Depth = 7;
        const int Total = (1 << Depth) - 1;
        var trees = Enumerable.Range(0, 20).Select(async tree =>
        {
            var done = new int[Total];
            var left = Total;
            await RunAsync(over =>
            {
                Grow(0);

                void Grow(int node)
                {
                    if (node < Total)
                    {
                        Lane.Add(new LaneItem(() => Do(node), isBrief: (node + tree) % 11 != 0));
                    }
                }

                void Do(int node)
                {
                    Grow((2 * node) + 1);
                    if ((node + tree) % 13 == 0)
                    {
                        Spin(TimeSpan.FromMicroseconds(60));
                    }

                    if ((node + tree) % 61 == 0)
                    {
                        Spin(TimeSpan.FromMilliseconds(12));
                    }

                    Grow((2 * node) + 2);
                    Interlocked.Increment(ref done[node]);
                    if (Interlocked.Decrement(ref left) == 0)
                    {
                        over();
                    }
                }
            });
            done.Should().AllBeEquivalentTo(1);
        });

        await Task.WhenAll(trees);
    }

    [Fact]
    public async Task WhatWorkLeavesOnItsThread_TheNextDoesNotSee()
    {
        var ambient = new AsyncLocal<string?>();
        for (var attempt = 0; attempt < Attempts; attempt++)
        {
            var threads = new int[3];
            (string?, SynchronizationContext?) seen = default;
            await RunAsync(over =>
            {
                threads[0] = Environment.CurrentManagedThreadId;
                Lane.Add(new LaneItem(() =>
                {
                    threads[1] = Environment.CurrentManagedThreadId;
                    ambient.Value = "left";
                    SynchronizationContext.SetSynchronizationContext(new SynchronizationContext());
                }));
                Lane.Add(new LaneItem(() =>
                {
                    threads[2] = Environment.CurrentManagedThreadId;
                    seen = (ambient.Value, SynchronizationContext.Current);
                    over();
                }));
            });

            seen.Should().Be((null, null));
            if (threads.Distinct().Count() == 1)
            {
                return;
            }
        }

        Assert.Fail("It went to other threads every time.");
    }

    [Fact]
    public async Task Gathered_BeginsWhenTheGatheringIsOver_OnOneThread()
    {
        for (var attempt = 0; attempt < Attempts; attempt++)
        {
            var threads = new List<int>();
            var all = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            int begun;
            using (Lane.Gather())
            {
                for (var item = 0; item < 3; item++)
                {
                    Lane.Add(new LaneItem(Note));
                }

                Spin(TimeSpan.FromMilliseconds(1));
                lock (threads)
                {
                    begun = threads.Count;
                }
            }

            await all.Task.WaitAsync(_limit);
            if (begun == 0 && threads.Distinct().Count() == 1)
            {
                return;
            }

            void Note()
            {
                lock (threads)
                {
                    threads.Add(Environment.CurrentManagedThreadId);
                    if (threads.Count == 3)
                    {
                        all.SetResult();
                    }
                }
            }
        }

        Assert.Fail("It went to several threads every time.");
    }

    [Fact]
    public void Gathered_ThreadDoesNotComeBack_GoesToOthers()
    {
        using var ran = new CountdownEvent(2);
        using (Lane.Gather())
        {
            // A gathering within another is part of it.
            using (Lane.Gather())
            {
                Lane.Add(new LaneItem(() => ran.Signal()));
            }

            Lane.Add(new LaneItem(() => ran.Signal()));
            ran.Wait(_limit).Should().BeTrue();
        }
    }

    /// <summary>Has the thread pool do this, and waits until it says that it is over.</summary>
    private static async Task RunAsync(Action<Action> work, bool isBrief = true)
    {
        var over = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Lane.Add(
            new LaneItem(() =>
            {
                try
                {
                    work(() => over.TrySetResult());
                }
#pragma warning disable CA1031 // It is thrown to the test.
                catch (Exception exception)
#pragma warning restore CA1031
                {
                    over.TrySetException(exception);
                }
            },
            isBrief));
        await over.Task.WaitAsync(_limit);
    }

    private static void Spin(TimeSpan time)
    {
        var begunAt = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(begunAt) < time)
        {
            Thread.SpinWait(10);
        }
    }
}
