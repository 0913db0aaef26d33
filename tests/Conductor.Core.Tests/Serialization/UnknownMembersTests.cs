using System.Collections;
using System.Reflection;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;
using Conductor.Serialization;

namespace Conductor.Tests.Serialization;

/// <summary>A program of an older version goes on with what a newer one wrote, and loses none of it.</summary>
public sealed class UnknownMembersTests
{
    private const string Unknown = "from_the_future";

    public static TheoryData<string> Extensible => [.. typeof(ExtensibleRecord).Assembly.GetTypes()
        .Where(static type => type.IsSubclassOf(typeof(ExtensibleRecord)) && !type.IsAbstract).Select(static type => type.Name)];

    [Theory]
    [MemberData(nameof(Extensible))]
    public void UnknownMembers_AtEveryLevel_AreKeptOverAChange(string name)
    {
        var sample = Sample(name);
        var json = Json(sample);
        AddUnknown(json, sample);

        var changed = Changed((ExtensibleRecord)json.Deserialize(Info(sample))!, out var member);

        var expected = json.DeepClone().AsObject();
        var written = Json(changed);
        expected[member] = written[member]?.DeepClone();
        JsonNode.DeepEquals(written, json).Should().BeFalse("a member was changed");
        JsonNode.DeepEquals(written, expected).Should().BeTrue($"nothing but '{member}' was changed:\n{expected.ToJsonString()}\n{written.ToJsonString()}");
    }

    [Theory]
    [MemberData(nameof(Extensible))]
    public void UnknownMembers_AreOnlyThoseThatTheRecordDoesNotHave(string name)
    {
        var sample = Sample(name);
        var json = Json(sample);
        json[Unknown] = "x";

        var read = (ExtensibleRecord)json.Deserialize(Info(sample))!;

        read.UnknownMembers.Should().ContainSingle().Which.Key.Should().Be(Unknown, "every other member is known");
    }

    [Theory]
    [MemberData(nameof(Extensible))]
    public void Equals_CopiesWithoutUnknownMembers_AreEqual(string name)
    {
        var sample = Sample(name);

        var copy = sample with { };
        var read = (ExtensibleRecord)Json(sample).Deserialize(Info(sample))!;

        copy.Should().NotBeSameAs(sample).And.Be(sample);
        copy.GetHashCode().Should().Be(sample.GetHashCode());
        read.UnknownMembers.Should().BeNull("an empty collection of one record is not equal to that of another");
    }

    [Fact]
    public void Equals_TwoReadings_AreEqual()
    {
        var redelivery = Json(Sample(nameof(TaskRedelivery)));
        var error = Json(Sample(nameof(TaskError)));

        Read<TaskRedelivery>(redelivery).Should().Be(Read<TaskRedelivery>(redelivery));
        Read<TaskError>(error).Should().Be(Read<TaskError>(error));
    }

    [Fact]
    public void WorkflowSummary_MadeIntoAStateAndBack_KeepsWhatItDoesNotKnow()
    {
        var json = Json(Sample(nameof(WorkflowSummary)));
        json[Unknown] = 1;

        var state = Read<WorkflowSummary>(json).ToState([], new Dictionary<string, TaskResult>(), [], [], []) with { Round = 8 };
        var back = Read<WorkflowState>(Json(state)).ToSummary() with { Status = WorkflowStatus.Waiting };

        Json(back)[Unknown]!.GetValue<int>().Should().Be(1);
        Json(back)["round"]!.GetValue<int>().Should().Be(8);
    }

    /// <summary>Adds a member to the record and to every record in it.</summary>
    private static void AddUnknown(JsonObject json, ExtensibleRecord record)
    {
        json[Unknown] = new JsonObject { ["a"] = 1, ["b"] = new JsonArray("x", null) };
        foreach (var member in Members(record))
        {
            var node = json[Wire(member.Name)];
            switch (member.GetValue(record))
            {
                case ExtensibleRecord inner:
                    AddUnknown(node!.AsObject(), inner);
                    break;
                case IEnumerable<ExtensibleRecord> items:
                    items.Zip(node!.AsArray(), static (item, place) => (item, place!.AsObject())).ToList()
                        .ForEach(static pair => AddUnknown(pair.Item2, pair.item));
                    break;
                case IReadOnlyDictionary<string, TaskResult> results:
                    results.ToList().ForEach(result => AddUnknown(node![result.Key]!.AsObject(), result.Value));
                    break;
                case IEnumerable other when other.GetType().IsGenericType
                    && other.GetType().GetGenericArguments().Any(typeof(ExtensibleRecord).IsAssignableFrom):
                    throw new NotSupportedException($"Teach this test to look into {member.Name}.");
            }
        }
    }

    /// <summary>What <c>with</c> compiles to: a copy, and one member set.</summary>
    private static ExtensibleRecord Changed(ExtensibleRecord record, out string member)
    {
        var copy = record with { };
        var property = Members(copy).First(
            static candidate => candidate.PropertyType == typeof(string) || candidate.PropertyType == typeof(int) || candidate.PropertyType == typeof(int?));
        property.SetValue(copy, property.GetValue(copy) is int number ? number + 1 : $"{property.GetValue(copy)} changed");
        member = Wire(property.Name);
        return copy;
    }

    private static IEnumerable<PropertyInfo> Members(ExtensibleRecord record) => record.GetType().GetProperties().Where(static member => member.CanWrite);

    private static ExtensibleRecord Sample(string name) =>
        Samples.All.OfType<ExtensibleRecord>().SingleOrDefault(sample => sample.GetType().Name == name)
            ?? throw new InvalidOperationException($"Samples.All has no {name}.");

    private static JsonObject Json(ExtensibleRecord record) => JsonSerializer.SerializeToNode(record, Info(record))!.AsObject();

    private static T Read<T>(JsonObject json) => json.Deserialize((JsonTypeInfo<T>)ConductorJson.Options.GetTypeInfo(typeof(T)))!;

    private static JsonTypeInfo Info(ExtensibleRecord record) => ConductorJson.Options.GetTypeInfo(record.GetType());

    private static string Wire(string name) => JsonNamingPolicy.SnakeCaseLower.ConvertName(name);
}
