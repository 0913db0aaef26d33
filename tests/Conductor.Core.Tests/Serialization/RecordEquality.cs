using System.Text.Json;
using Conductor.Serialization;

namespace Conductor.Tests.Serialization;

/// <summary>When a record that was read is the one that was written: member by member, data by its JSON.</summary>
internal static class RecordEquality
{
    public static void ShouldBeTheRecord(this object read, object written) => read.Should().BeEquivalentTo(written, options => options
        .RespectingRuntimeTypes().ComparingByMembers(written.GetType()).ComparingByValue<AgentType>().ComparingByValue<WorkflowPhase>()
        .Using<TaskData>(context => Text(context.Subject).Should().Be(Text(context.Expectation))).WhenTypeIs<TaskData>());

    private static string Text(TaskData data) => JsonSerializer.Serialize(data, ConductorJson.Options);
}
