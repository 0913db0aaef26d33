using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text.Json;
using Conductor.Serialization;

namespace Conductor.Tests.Serialization;

/// <summary>Null is left out of the library's records, whose defaults it is, and written in the user's types.</summary>
public sealed class NullMembersTests
{
    public static TheoryData<string> Records => [.. Samples.All.Select(static sample => sample.GetType().Name)];

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Json_OfAUsersType_KeepsItsNulls(bool generated)
    {
        var codec = new RecordCodec(new ConductorSerializer(generated ? [OwnJsonContext.Default] : []));
        var result = new TaskResult
        {
            TaskId = "t", Status = AgentTaskStatus.Completed, Output = TaskData.From(new Optionals { Title = null, Number = null }),
        };

        var read = codec.Decode<TaskResult>(codec.Encode(result), "key").Output;

        JsonSerializer.Serialize(read, ConductorJson.Options).Should().Be(
            """{"title":null,"number":null}""", "what says itself that null is left out is left out");
        read.Get<Optionals>().Should().BeEquivalentTo(new Optionals { Title = null, Number = null });
    }

    [Theory]
    [MemberData(nameof(Records))]
    public void Json_OfARecordWithItsDefaults_HasNoNulls(string record)
    {
        var sample = Samples.All.Single(candidate => candidate.GetType().Name == record);
        var made = Activator.CreateInstance(sample.GetType())!;
        foreach (var member in sample.GetType().GetProperties().Where(static member => member.CanWrite && member.IsDefined(typeof(RequiredMemberAttribute))))
        {
            member.SetValue(made, member.GetValue(sample));
        }

        var nulls = JsonSerializer.SerializeToNode(made, made.GetType(), ConductorJson.Options)!.AsObject()
            .Where(static member => member.Value is null).Select(static member => member.Key);

        // Data that is empty is JSON's null, and no null of ours.
        nulls.Should().BeSubsetOf(sample.GetType().GetProperties().Where(static member => member.PropertyType == typeof(TaskData)).Select(Wire));
    }

    private static string Wire(PropertyInfo member) => JsonNamingPolicy.SnakeCaseLower.ConvertName(member.Name);
}
