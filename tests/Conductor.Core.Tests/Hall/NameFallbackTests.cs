using System.Text.Json;
using System.Text.Json.Nodes;
using Conductor.Serialization;

namespace Conductor.Tests.Hall;

/// <summary>A name that nobody gave is the id, whatever becomes of the record.</summary>
public sealed class NameFallbackTests
{
    [Fact]
    public void Json_OfATaskWithoutAName_IsTheSameTaskBothWays()
    {
        var task = new TaskDefinition { Id = "a", AgentType = AgentType.Coding };

        var back = ThereAndBack(task, out var json);

        json.ContainsKey("name").Should().BeFalse();
        back.Should().Be(task);
        back.Name.Should().Be("a");
        (back with { Id = "b" }).Name.Should().Be((task with { Id = "b" }).Name).And.Be("b");
    }

    [Fact]
    public void Json_OfATaskWithAName_KeepsIt()
    {
        var task = new TaskDefinition { Id = "a", Name = "a", AgentType = AgentType.Coding };

        var back = ThereAndBack(task, out var json);

        json["name"]!.GetValue<string>().Should().Be("a", "a name that was given is written, even if it is the id");
        back.Should().Be(task);
        (back with { Id = "b" }).Name.Should().Be("a");
    }

    [Fact]
    public void Json_OfAnIdentityWithoutAName_IsTheSameIdentityBothWays()
    {
        var identity = new AgentIdentity { Id = "a", Type = AgentType.Coding };

        var back = ThereAndBack(identity, out var json);

        json.ContainsKey("name").Should().BeFalse();
        back.Should().Be(identity);
        (back with { Id = "b" }).Name.Should().Be((identity with { Id = "b" }).Name).And.Be("b");
    }

    [Fact]
    public void Json_OfAnIdentityWithAName_KeepsIt()
    {
        var identity = new AgentIdentity { Id = "a", Name = "Ada", Type = AgentType.Coding };

        var back = ThereAndBack(identity, out var json);

        json["name"]!.GetValue<string>().Should().Be("Ada");
        back.Should().Be(identity);
        (back with { Id = "b" }).Name.Should().Be("Ada");
    }

    private static T ThereAndBack<T>(T record, out JsonObject json)
    {
        json = JsonSerializer.SerializeToNode(record, ConductorJson.Options)!.AsObject();
        return json.Deserialize<T>(ConductorJson.Options)!;
    }
}
