using Conductor.Errors;
using Conductor.Messaging;
using Conductor.State;
using Conductor.Tests.Support;
using static Conductor.Tests.Support.Failures;

namespace Conductor.Tests.Errors;

/// <summary>What an error handler keeps and announces of a task that is given up.</summary>
public sealed class DeadLetterTests
{
    [Fact]
    [Trait("Behaviour", "7")]
    public async Task DecideAsync_DeadLetter_IsStoredAndPublished()
    {
        await using var rig = await Rig.StartAsync();
        await rig.FollowAsync(Channels.Errors, Channels.DeadLetters);
        var context = Context(attempt: 4) with { WorkflowId = "w", Round = 2, IdempotencyKey = "key:2" };

        var decision = await rig.Errors.DecideAsync(Transient, context);

        var stored = (await rig.Errors.GetDeadLetterQueueAsync()).Single();
        stored.Should().BeEquivalentTo(decision.Record);
        stored.Code.Should().Be("TRANSIENT_ERROR");
        stored.Message.Should().Be("busy");
        stored.Timestamp.Should().Be(rig.Time.GetUtcNow());
        stored.Task!.Id.Should().Be("t");
        (stored.WorkflowId, stored.Round, stored.IdempotencyKey).Should().Be(("w", 2, "key:2"));
        stored.Context.Should().Contain(new Dictionary<string, string>
        {
            ["agent_id"] = "a", ["agent_type"] = "coding", ["task_id"] = "t", ["workflow_id"] = "w", ["round"] = "2", ["attempts"] = "4",
        });
        await Rig.UntilAsync(() => rig.Messages.Count == 1, "the dead letter");
        rig.Messages.Single().Channel.Should().Be(Channels.DeadLetters);
        ((ErrorPayload)rig.Messages.Single().Message.Payload!).DeadLetterId.Should().Be(stored.Id);
    }

    [Fact]
    public async Task DecideAsync_DeadLetterOutsideWorkflows_TellsEverythingKnownAndNothingElse()
    {
        await using var rig = await Rig.StartAsync();
        var context = Context(attempt: 4);
        context = context with { Task = context.Task! with { Name = "build it" } };

        var letter = (await rig.Errors.DecideAsync(Transient with { Type = "System.IO.IOException" }, context)).Record!;

        letter.Context.Should().Equal(new Dictionary<string, string>
        {
            ["reason"] = "all 3 retries are used up.", ["attempts"] = "4", ["agent_id"] = "a", ["agent_type"] = "coding",
            ["task_id"] = "t", ["task_name"] = "build it", ["error_type"] = "System.IO.IOException",
        });
        letter.WorkflowId.Should().BeNull();
    }

    [Fact]
    public async Task DecideAsync_DeadLetterWithoutTask_TakesTheTypeOfTheContext()
    {
        await using var rig = await Rig.StartAsync();
        var context = new ErrorContext { AgentId = "a", AgentType = AgentType.Review, Attempt = 4 };

        (await rig.Errors.DecideAsync(Transient, context)).Record!.Context["agent_type"].Should().Be("review");
        (await rig.Errors.DecideAsync(Transient, context with { AgentType = default })).Record!.Context.Should()
            .NotContainKey("agent_type").And.NotContainKey("task_id");
    }

    [Fact]
    public async Task ClearDeadLetterQueueAsync_Some_RemovesAndCountsThem()
    {
        await using var rig = await Rig.StartAsync();
        await rig.Errors.DecideAsync(Transient, Context(4));
        await rig.Errors.DecideAsync(Transient, Context(4));

        (await rig.Errors.ClearDeadLetterQueueAsync()).Should().Be(2);
        (await rig.Errors.GetDeadLetterQueueAsync()).Should().BeEmpty();
    }

    [Fact]
    public async Task GetDeadLetterQueueAsync_MoreThanAPage_GivesAllOldestFirst()
    {
        await using var rig = await Rig.StartAsync();
        for (var i = 0; i < PageRequest.MaxSize + 5; i++)
        {
            await rig.State.SaveDeadLetterAsync(new ErrorRecord { Id = $"d{i:0000}", Code = "X", Message = "x", Timestamp = rig.Time.GetUtcNow() });
        }

        (await rig.Errors.GetDeadLetterQueueAsync()).Select(letter => letter.Id).Should().HaveCount(PageRequest.MaxSize + 5).And.BeInAscendingOrder();
    }

    [Fact]
    public async Task DecideAsync_BusDown_KeepsTheLetterAndLogs()
    {
        await using var rig = await Rig.StartAsync();
        await rig.Bus.DisconnectAsync();

        (await rig.Errors.HandleErrorAsync(Transient, Context(4))).Should().Be(ErrorAction.DeadLetter);
        (await rig.Errors.GetDeadLetterQueueAsync()).Should().HaveCount(1);
        rig.Logs.GetSnapshot().Should().Contain(entry => entry.Id.Id == 1605);
    }
}
