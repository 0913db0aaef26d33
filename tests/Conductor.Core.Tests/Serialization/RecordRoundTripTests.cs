using System.Text.Json;
using System.Text.Json.Nodes;
using Conductor.Messaging;
using Conductor.Serialization;
using Conductor.State;

namespace Conductor.Tests.Serialization;

/// <summary>Every record goes to JSON and back without loss, every member set to something that is not its default.</summary>
public sealed class RecordRoundTripTests
{
    public static TheoryData<string> Records => [.. Samples.All.Select(sample => sample.GetType().Name)];

    [Theory]
    [MemberData(nameof(Records))]
    public void Json_BothWays_LosesNothing(string record)
    {
        var sample = Samples.All.Single(candidate => candidate.GetType().Name == record);

        var json = JsonSerializer.Serialize(sample, sample.GetType(), ConductorJson.Options);
        var back = JsonSerializer.Deserialize(json, sample.GetType(), ConductorJson.Options)!;

        JsonSerializer.Serialize(back, back.GetType(), ConductorJson.Options).Should().Be(json);
        back.ShouldBeTheRecord(sample);
    }

    /// <summary>A rate of nothing is a rate that a monitor may measure: it must not cost the findings that come with it.</summary>
    [Theory]
    [InlineData(double.NaN)]
    [InlineData(double.PositiveInfinity)]
    [InlineData(double.NegativeInfinity)]
    [InlineData(double.MinValue)]
    public void Json_MetricsOfFeedback_MayBeAnyNumber(double value)
    {
        var feedback = new Feedback { Severity = FeedbackSeverity.Error, Metrics = new Dictionary<string, double> { ["rate"] = value } };

        foreach (var options in new[] { ConductorJson.Options, JsonSerializerOptions.Default })
        {
            var json = JsonSerializer.Serialize(feedback, options);
            JsonSerializer.Deserialize<Feedback>(json, options)!.Metrics["rate"].Should().Be(value);
        }
    }

    [Theory]
    [MemberData(nameof(Records))]
    public void Json_OfTheSample_HasEveryMember(string record)
    {
        var sample = Samples.All.Single(candidate => candidate.GetType().Name == record);
        var expected = sample.GetType().GetProperties()
            .Where(property => property.CanWrite)
            .Select(property => JsonNamingPolicy.SnakeCaseLower.ConvertName(property.Name));

        var members = JsonSerializer.SerializeToNode(sample, sample.GetType(), ConductorJson.Options)!.AsObject().Select(member => member.Key);

        members.Should().Contain(expected, "a member that the sample leaves out is a member that nobody tests");
    }

    [Theory]
    [MemberData(nameof(Records))]
    public void Json_WithUnknownMembers_IsStillRead(string record)
    {
        var sample = Samples.All.Single(candidate => candidate.GetType().Name == record);
        var node = JsonSerializer.SerializeToNode(sample, sample.GetType(), ConductorJson.Options)!.AsObject();
        node["member_of_a_later_version"] = JsonNode.Parse("""{"a":[1]}""");

        var act = () => node.Deserialize(sample.GetType(), ConductorJson.Options);

        act.Should().NotThrow();
    }

    [Fact]
    public void Samples_CoverEveryPublicRecordThatIsStoredOrSent()
    {
        var records = typeof(AgentType).Assembly.GetExportedTypes()
            .Where(type => type.GetMethod("<Clone>$") is not null && !type.IsAbstract && !type.ContainsGenericParameters)
            .Where(type => type.Namespace is "Conductor" or "Conductor.Messaging" || type == typeof(Lease));

        Samples.All.Select(sample => sample.GetType()).Should().BeEquivalentTo(records);
    }

    [Fact]
    public void Payload_Kinds_AreLogicalNamesAndNoClrTypes()
    {
        foreach (var payload in Samples.All.OfType<MessagePayload>())
        {
            var json = JsonSerializer.Serialize(new AgentMessage { Type = MessageType.Control, Sender = "s", Payload = payload }, ConductorJson.Options);

            json.Should().Contain("\"kind\":").And.NotContain(payload.GetType().Name).And.NotContain("Conductor.");
            JsonSerializer.Deserialize<AgentMessage>(json, ConductorJson.Options)!.Payload.Should().BeOfType(payload.GetType());
        }
    }

    [Fact]
    public void Payload_TypeOfTheUsersOwn_IsWrittenWithinTheLibrarysRecords()
    {
        var message = new AgentMessage { Type = MessageType.Control, Sender = "s", Payload = new DataPayload { Data = TaskData.From(new Own("x")) } };

        var json = JsonSerializer.Serialize(message, ConductorJson.Options);

        var back = (DataPayload)JsonSerializer.Deserialize<AgentMessage>(json, ConductorJson.Options)!.Payload!;
        back.Data.Get<Own>().Should().Be(new Own("x"));
    }

    [Fact]
    public void TaskDefinition_InputOfTheUsersOwn_IsWritten()
    {
        var task = new TaskDefinition { AgentType = AgentType.Coding, Input = TaskData.From(new Own("x")) };

        var json = JsonSerializer.Serialize(task, ConductorJson.Options);

        JsonSerializer.Deserialize<TaskDefinition>(json, ConductorJson.Options)!.Input.Get<Own>().Should().Be(new Own("x"));
    }

    [Fact]
    public void CreateOptions_ContextOfTheUsersOwn_IsUsedWithinTheLibrarysRecords()
    {
        var options = ConductorJson.CreateOptions(OwnJsonContext.Default);
        var result = new TaskResult { TaskId = "t", Status = AgentTaskStatus.Completed, Output = TaskData.From(new Registered { Value = 7 }) };

        var json = JsonSerializer.Serialize(result, options);

        json.Should().Contain("\"own_name\":7");
        JsonSerializer.Deserialize<TaskResult>(json, options)!.Output.Get<Registered>().Value.Should().Be(7);
    }

    private sealed record Own(string Name);
}
