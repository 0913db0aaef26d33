using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Nodes;
using Conductor.Messaging;
using Conductor.Serialization;

namespace Conductor.Tests.Serialization;

/// <summary>What JSON leaves out, because a person wrote it or an older version did, is what a record has that nobody set.</summary>
public sealed class OmittedMembersTests
{
    private static readonly JsonSerializerOptions _extended = new ConductorSerializer([OwnJsonContext.Default]).Options;

    public static TheoryData<string> Records => [.. Samples.All.Select(static sample => sample.GetType().Name)];

    [Theory]
    [MemberData(nameof(Records))]
    public void Json_WithNothingButRequiredMembers_IsTheRecordWithItsDefaults(string record)
    {
        foreach (var options in new[] { ConductorJson.Options, _extended })
        {
            var sample = Sample(record);
            var read = RequiredOf(sample, options).Deserialize(sample.GetType(), options)!;

            var made = Activator.CreateInstance(sample.GetType())!;
            foreach (var member in Members(sample).Where(static member => IsRequired(member) || member.Name == "Id"))
            {
                // An id is another each time.
                member.SetValue(made, member.GetValue(IsRequired(member) ? sample : read));
            }

            read.ShouldBeTheRecord(made);
        }
    }

    [Theory]
    [MemberData(nameof(Records))]
    public void Json_WithoutOneMember_KeepsTheOthersAndItsDefault(string record)
    {
        var sample = Sample(record);
        foreach (var member in Members(sample).Where(static member => !IsRequired(member)))
        {
            var json = JsonSerializer.SerializeToNode(sample, sample.GetType(), ConductorJson.Options)!.AsObject();
            json.Remove(Wire(member)).Should().BeTrue();

            var read = json.Deserialize(sample.GetType(), ConductorJson.Options)!;

            if (member.Name is not "Id")
            {
                var copy = json.Deserialize(sample.GetType(), ConductorJson.Options)!;
                member.SetValue(copy, member.GetValue(sample));
                copy.ShouldBeTheRecord(sample);
                member.GetValue(read).Should().BeEquivalentTo(DefaultOf(member, sample));
            }
            else
            {
                ((string)member.GetValue(read)!).Should().HaveLength(28);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Records))]
    public void Json_WithoutARequiredMember_IsRefused(string record)
    {
        var sample = Sample(record);
        foreach (var member in Members(sample).Where(IsRequired))
        {
            var json = RequiredOf(sample, ConductorJson.Options);
            json.Remove(Wire(member)).Should().BeTrue();

            var act = () => json.Deserialize(sample.GetType(), ConductorJson.Options);

            act.Should().Throw<JsonException>().WithMessage($"*{Wire(member)}*");
        }
    }

    [Fact]
    public void Json_OfATask_WithItsTypeAlone_IsATaskThatRuns()
    {
        var task = Read<TaskDefinition>("""{"agent_type":"coding"}""");
        var other = Read<TaskDefinition>("""{"agent_type":"coding"}""");

        task.Id.Should().HaveLength(28).And.NotBe(other.Id);
        task.Name.Should().Be(task.Id);
        task.Priority.Should().Be(TaskPriority.Medium);
        task.Timeout.Should().Be(TaskDefinition.DefaultTimeout);
        task.Input.Should().BeSameAs(TaskData.Empty);
    }

    [Fact]
    public void Json_OfADefinition_KeepsTheDefaultsOfItsTasksToo()
    {
        var definition = Read<WorkflowDefinition>(
            """{"name":"w","tasks":[{"id":"a","agent_type":"coding"},{"id":"b","agent_type":"test","priority":"high"}]}""");

        definition.Version.Should().Be("1");
        definition.Phases.Should().Equal(WorkflowPhase.Default);
        definition.Tasks.Select(static task => task.Priority).Should().Equal(TaskPriority.Medium, TaskPriority.High);
        definition.Tasks.Should().OnlyContain(static task => task.Timeout == TaskDefinition.DefaultTimeout && task.Input.IsEmpty);
    }

    [Fact]
    public void Json_OfAPayload_KeepsTheDefaultsBehindItsKind()
    {
        var message = Read<AgentMessage>("""{"type":"task_assignment","sender":"s","payload":{"kind":"task_assignment","task":{"agent_type":"coding"}}}""");

        message.Priority.Should().Be(TaskPriority.Medium);
        message.Payload.Should().BeOfType<TaskAssignment>().Which.Should().Match<TaskAssignment>(static assignment =>
            assignment.Attempt == 1 && assignment.Delivery == 1 && assignment.Task.Timeout == TaskDefinition.DefaultTimeout);
    }

    [Fact]
    public void Json_OfAnOlderVersion_KeepsUnknownMembersAndDefaults()
    {
        var entry = Read<WorkflowLogEntry>("""{"timestamp":"2030-01-02T03:04:05+00:00","error":{"code":"C","message":"m"},"new":[1]}""");

        entry.Severity.Should().Be(FeedbackSeverity.Error);
        JsonSerializer.Serialize(entry, ConductorJson.Options).Should().EndWith(""","new":[1]}""");
    }

    private static object? DefaultOf(PropertyInfo member, object sample)
    {
        var made = Activator.CreateInstance(sample.GetType())!;
        foreach (var other in Members(sample).Where(candidate => candidate.Name != member.Name))
        {
            // A default may follow from the other members, as a name from the id.
            other.SetValue(made, other.GetValue(sample));
        }

        return member.GetValue(made);
    }

    private static JsonObject RequiredOf(object sample, JsonSerializerOptions options)
    {
        var json = JsonSerializer.SerializeToNode(sample, sample.GetType(), options)!.AsObject();
        foreach (var member in Members(sample).Where(static member => !IsRequired(member)))
        {
            json.Remove(Wire(member));
        }

        return json;
    }

    private static IEnumerable<PropertyInfo> Members(object record) => record.GetType().GetProperties().Where(static member => member.CanWrite);

    private static bool IsRequired(PropertyInfo member) => member.IsDefined(typeof(RequiredMemberAttribute));

    private static object Sample(string name) => Samples.All.Single(candidate => candidate.GetType().Name == name);

    private static string Wire(PropertyInfo member) => JsonNamingPolicy.SnakeCaseLower.ConvertName(member.Name);

    private static T Read<T>(string json) => JsonSerializer.Deserialize<T>(json, ConductorJson.Options)!;
}
