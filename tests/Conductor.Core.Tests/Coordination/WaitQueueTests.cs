using Conductor.Coordination;
using Conductor.Tests.Support;
using Microsoft.Extensions.Time.Testing;

namespace Conductor.Tests.Coordination;

public sealed class WaitQueueTests
{
    /// <summary>A clock that tests move runs what is due on the thread that reads it, also while the queue is looked through.</summary>
    [Fact]
    public void TakeFirst_WaitersLeaveMeanwhile_GivesOneThatWaits()
    {
        var queue = new WaitQueue(new ServingOrder(new FakeTimeProvider(), TimeSpan.FromMinutes(1)));
        var waiters = Enumerable.Range(0, 4).Select(static _ => new AgentWaiter(null!, DispatchTicket.Standalone(Rig.NewTask()))).ToList();
        waiters.ForEach(queue.Add);

        var taken = queue.TakeFirst(
            (waiter, _) =>
            {
                if (waiter == waiters[0])
                {
                    queue.Remove(waiters[0]);
                    queue.Remove(waiters[1]);
                }

                return true;
            },
            0);

        taken.Should().BeSameAs(waiters[2]);
        queue.Count.Should().Be(1);
        queue.TakeFirst(static (_, _) => true, 0).Should().BeSameAs(waiters[3]);
    }
}
