using System.Collections.Concurrent;
using System.Globalization;
using Conductor.Messaging;
using CsCheck;

namespace Conductor.Tests.Messaging;

/// <summary>The queue of a subscription does what a plainly written one does, and loses or doubles nothing when it is raced for.</summary>
public sealed class SubscriptionQueueModelTests
{
    /// <summary>Random scripts of adding (true) and taking (false), many of one kind after another.</summary>
    [Fact]
    public void AddAndTake_AnyScript_DoesWhatAListDoes() =>
        Gen.Select(Gen.Int[1, 9], Gen.Bool, Gen.Select(Gen.Bool, Gen.Int[1, 12]).List[1, 40]).Sample((capacity, dropsNewest, script) =>
        {
            var queue = new SubscriptionQueue(capacity, dropsNewest ? QueueFullMode.DropNewest : QueueFullMode.DropOldest);
            var model = new List<string>();
            var next = 0;
            foreach (var adds in script.SelectMany(static step => Enumerable.Repeat(step.Item1, step.Item2)))
            {
                if (adds)
                {
                    var id = $"{next++}";
                    model.Add(id);
                    var gone = model.Count <= capacity ? null : dropsNewest ? id : model[0];
                    model.Remove(gone!);
                    queue.Add(Message(id), at: 0).Dropped?.Id.Should().Be(gone);
                }
                else
                {
                    var expected = model.FirstOrDefault();
                    model.Remove(expected!);
                    (queue.TryTake(out var entry) ? entry.Message.Id : null).Should().Be(expected);
                }

                queue.Count.Should().Be(model.Count);
            }

            queue.Close().Select(static entry => entry.Message.Id).Should().Equal(model);
            queue.Add(Message("late"), at: 0).Should().Be(default(SubscriptionQueue.Addition));
            queue.TryTake(out _).Should().BeFalse();
        });

    /// <summary>What is added while it is full drops what the one who takes has claimed: each message is had by one of the two.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(40)]
    public async Task AddAndTake_SideBySide_EachMessageIsTakenOrDroppedOnceAndInOrder(int capacity)
    {
        const int Messages = 20_000;
        var queue = new SubscriptionQueue(capacity, QueueFullMode.DropOldest);
        var dropped = new ConcurrentBag<int>();
        var taken = new List<int>();
        var isOver = false;
        var taking = Task.Run(() =>
        {
            while (true)
            {
                var wasOver = Volatile.Read(ref isOver);
                if (queue.TryTake(out var entry))
                {
                    taken.Add(NumberOf(entry.Message));
                }
                else if (wasOver)
                {
                    return;
                }
            }
        });
        await Task.WhenAll(Enumerable.Range(0, 2).Select(publisher => Task.Run(() =>
        {
            for (var i = publisher; i < Messages; i += 2)
            {
                if (queue.Add(Message($"{i}"), at: 0).Dropped is { } message)
                {
                    dropped.Add(NumberOf(message));
                }
            }
        })));
        Volatile.Write(ref isOver, true);
        await taking;

        taken.Concat(dropped).Order().Should().Equal(Enumerable.Range(0, Messages));
        taken.Where(static number => number % 2 == 0).Should().BeInAscendingOrder();
        taken.Where(static number => number % 2 == 1).Should().BeInAscendingOrder();
        queue.Count.Should().Be(0);
    }

    /// <summary>Places are used again: what was in them is not held.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void AddAndTake_AllIsTakenOrDropped_HoldsNone(bool drops)
    {
        var queue = new SubscriptionQueue(drops ? 2 : 100, QueueFullMode.DropOldest);
        var all = AddMany(queue);
        while (queue.TryTake(out _))
        {
        }

        GC.Collect();

        all.Should().OnlyContain(static message => !message.IsAlive);
        GC.KeepAlive(queue);
    }

    private static List<WeakReference> AddMany(SubscriptionQueue queue) => [.. Enumerable.Range(0, 50).Select(i =>
    {
        var message = Message($"{i}");
        queue.Add(message, at: 0);
        if (i == 20)
        {
            queue.TryTake(out _);
        }

        return new WeakReference(message);
    })];

    private static AgentMessage Message(string id) => new(id) { Type = MessageType.Control, Sender = "test" };

    private static int NumberOf(AgentMessage message) => int.Parse(message.Id, CultureInfo.InvariantCulture);
}
