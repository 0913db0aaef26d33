using Conductor.Messaging;
using Conductor.Tests.Support;

namespace Conductor.Tests.Coordination;

/// <summary>Several coordinators on one bus, with agents of the same ids: two containers of one program have the same by default.</summary>
public sealed class SharedBusTests
{
    [Fact]
    public async Task DispatchTaskAsync_AnotherCoordinatorHasAnAgentOfThatId_EachRunsItsOwnTasks()
    {
        await using var first = await Rig.StartAsync();
        await using var second = await Rig.StartAsync(new RigOptions { Bus = _ => first.Bus });
        await first.AddAsync(static _ => "first", id: "coding-1");
        await second.AddAsync(static _ => "second", id: "coding-1");

        for (var i = 0; i < 20; i++)
        {
            var dispatches = new[] { first.DispatchAsync(), second.DispatchAsync() };
            (await Task.WhenAll(dispatches).WaitAsync(TimeSpan.FromSeconds(20))).Select(static result => result.Output.Get<string>()).Should()
                .Equal("first", "second");
        }
    }

    [Fact]
    public async Task Assignment_OfACoordinatorThatIsNotTheAgents_IsLeftToAnother()
    {
        await using var rig = await Rig.StartAsync();
        var runs = 0;
        await rig.AddAsync(_ => TaskData.From(++runs), id: "a");
        await rig.FollowAsync(Channels.Agent("a"));

        await rig.Bus.PublishAsync(
            Channels.Agent("a"),
            new AgentMessage { Type = MessageType.TaskAssignment, Sender = "another", Payload = new TaskAssignment { Task = Rig.NewTask() } });
        await Rig.UntilAsync(() => !rig.Messages.IsEmpty, "the message to come");
        (await rig.DispatchAsync()).Output.Get<int>().Should().Be(1, "nothing ran before");

        rig.Logs.GetSnapshot().Should().Contain(static entry => entry.Id.Id == 1311);
    }
}
