using Conductor;

namespace CrashAndResume;

/// <summary>Three courses, cooked one after the other; then the bill.</summary>
internal static class Dinner
{
    public static readonly AgentType Cook = new("cook");
    public static readonly AgentType Waiter = new("waiter");
    private static readonly WorkflowPhase _kitchen = new("kitchen");
    private static readonly WorkflowPhase _table = new("table");

    public static WorkflowDefinition Definition { get; } = WorkflowDefinition.Create("dinner")
        .Phase(_kitchen, phase =>
        {
            var soup = phase.Task("soup", Cook, "soup");
            var fish = phase.Task("fish", Cook, "fish").After(soup);
            phase.Task("cake", Cook, "cake").After(fish);
        })
        .Phase(_table, phase => phase.Task("bill", Waiter, "bill"))
        .Build();
}
