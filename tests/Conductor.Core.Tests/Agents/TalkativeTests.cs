using Conductor.Messaging;
using Conductor.Tests.Support;

namespace Conductor.Tests.Agents;

/// <summary>Messages to an agent are handled beside its tasks: they neither hold one up, nor push one out of the queue.</summary>
public sealed class TalkativeTests
{
    [Theory]
    [InlineData(1, false, false)]
    [InlineData(1_000, false, false)]
    [InlineData(1_000, true, false)]
    [InlineData(1, false, true)]
    [InlineData(1_000, false, true)]
    public async Task DispatchTaskAsync_MessagesWaitForItsAgent_IsNotHeldUp(int messages, bool isFollowed, bool isFromOutside)
    {
        await using var rig = await Rig.StartAsync(new RigOptions { Bus = isFromOutside ? static environment => new TroubledBus(environment) : null });
        var (handling, release) = (new TaskCompletionSource(), new TaskCompletionSource());
        var agent = new LambdaAgent(static _ => "done")
        {
            OnMessage = async _ =>
            {
                handling.TrySetResult();
                await release.Task;
            },
        };
        await rig.Coordinator.RegisterAgentAsync(agent, AgentType.Coding, "a");
        if (isFollowed)
        {
            // Then the assignment is a message like any other.
            await rig.FollowAsync(Channels.Agent("a"));
        }

        for (var message = 0; message < messages; message++)
        {
            await rig.Bus.PublishAsync(Channels.Broadcast, new AgentMessage { Type = MessageType.StatusUpdate, Sender = "talkative" });
        }

        await handling.Task;

        (await rig.DispatchAsync().WaitAsync(TimeSpan.FromSeconds(20))).IsSuccess.Should().BeTrue();
        release.SetResult();
    }

    /// <summary>A bus that takes no report keeps none but the newest: what an agent has to say may be much, and may be lost.</summary>
    [Fact]
    public async Task ReportProgress_BusDoesNotAnswer_TheNewestWaits()
    {
        TroubledBus? bus = null;
        await using var rig = await Rig.StartAsync(new RigOptions { Bus = environment => bus = new TroubledBus(environment) });
        await rig.FollowAsync(Channels.Status);
        var (asked, answer) = (0, new TaskCompletionSource());
        bus!.HangsPublishing = message =>
        {
            asked += message.Type == MessageType.StatusUpdate ? 1 : 0;
            return message.Type == MessageType.StatusUpdate ? answer.Task : Task.CompletedTask;
        };
        await rig.AddAsync(static task =>
        {
            for (var percent = 0; percent <= 100; percent++)
            {
                task.ReportProgress(percent);
            }

            return TaskData.Empty;
        });

        (await rig.DispatchAsync()).IsSuccess.Should().BeTrue();

        asked.Should().Be(1);
        answer.SetResult();
        await Rig.UntilAsync(() => rig.Messages.Count == 2, "what was said");
        rig.Messages.Select(static entry => ((StatusUpdate)entry.Message.Payload!).Progress).Should().Equal(0, 100);
    }
}
