using System.Text.Json;
using Conductor.Messaging;
using Conductor.Serialization;

namespace Conductor.Tests.Hall;

/// <summary>The closed sets against the lists of the data model.</summary>
public sealed class ClosedSetTests
{
    public static TheoryData<Type, string[]> Sets => new()
    {
        { typeof(AgentStatus), ["idle", "running", "waiting", "failed", "stopped"] },
        { typeof(AgentTaskStatus), ["pending", "in_progress", "completed", "failed", "cancelled", "blocked", "skipped"] },
        { typeof(WorkflowStatus), ["pending", "in_progress", "waiting", "completed", "failed", "cancelled"] },
        { typeof(TaskPriority), ["low", "medium", "high", "critical"] },
        { typeof(MessageType), ["task_assignment", "task_result", "status_update", "error", "feedback", "control"] },
        { typeof(FeedbackSeverity), ["info", "warning", "error", "critical"] },
        { typeof(ErrorAction), ["retry", "escalate", "dead_letter", "skip"] },
        { typeof(CircuitBreakerState), ["closed", "open", "half_open"] },
    };

    [Theory]
    [MemberData(nameof(Sets))]
    public void Values_AsJson_AreTheWireNames(Type set, string[] wireNames)
    {
        var values = Enum.GetValues(set).Cast<object>().ToList();

        values.Select(value => JsonSerializer.Serialize(value, set, ConductorJson.Options)).Should().BeEquivalentTo(wireNames.Select(name => $"\"{name}\""));
        values.Should().OnlyContain(value => value.Equals(
            JsonSerializer.Deserialize(JsonSerializer.Serialize(value, set, ConductorJson.Options), set, ConductorJson.Options)));
    }

    [Theory]
    [MemberData(nameof(Sets))]
    public void Values_FromNumbersOrUnknownNames_AreRefused(Type set, string[] wireNames)
    {
        wireNames.Should().NotBeEmpty();
        FluentActions.Invoking(() => JsonSerializer.Deserialize("1", set, ConductorJson.Options)).Should().Throw<JsonException>();
        FluentActions.Invoking(() => JsonSerializer.Deserialize("\"nonsense\"", set, ConductorJson.Options)).Should().Throw<JsonException>();
    }

    [Fact]
    public void PublicEnums_OfTheHall_AreAllWrittenAsWireNames() =>
        typeof(AgentType).Assembly.GetExportedTypes()
            .Where(type => type.IsEnum && type.Namespace == "Conductor")
            .Should().OnlyContain(type => JsonSerializer.Serialize(Enum.GetValues(type).GetValue(0), type, ConductorJson.Options).StartsWith('"'));
}
