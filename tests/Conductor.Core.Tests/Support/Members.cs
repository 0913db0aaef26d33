using System.Reflection;
using System.Text.Json;

namespace Conductor.Tests.Support;

/// <summary>The members of a record, one by one: for tests that whatever any of them says survives something.</summary>
internal static class Members
{
    private const BindingFlags All = BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic;

    private static readonly DateTimeOffset _otherTime = new(2040, 5, 6, 7, 8, 9, TimeSpan.FromHours(-3));

    /// <summary>Those that can be set.</summary>
    public static TheoryData<string> Of<T>(params string[] except) =>
        [.. typeof(T).GetProperties(All).Where(
            property => property.SetMethod is not null && !except.Contains(property.Name)).Select(static property => property.Name)];

    /// <summary>Copies of a record that are different in one member.</summary>
    public static IEnumerable<T> Variants<T>(T plain, string name)
        where T : class
    {
        var property = typeof(T).GetProperty(name, All)!;
        var now = property.GetValue(plain);
        foreach (var value in now is DateTimeOffset time ? [time.ToOffset(TimeSpan.FromHours(2)), _otherTime] : new[] { Other(property.PropertyType) })
        {
            (value is DateTimeOffset ? value.ToString() : value).Should().NotBe(now is DateTimeOffset ? now.ToString() : now, "'{0}' is to be changed", name);
            var changed = (T)typeof(T).GetMethod("<Clone>$")!.Invoke(plain, null)!;
            property.SetValue(changed, value);
            yield return changed;
        }
    }

    private static object Other(Type member) => (Nullable.GetUnderlyingType(member) ?? member) switch
    {
        var type when type == typeof(string) => "other",
        var type when type == typeof(long) => 77L,
        var type when type == typeof(int) => 77,
        var type when type == typeof(double) => 77.0,
        var type when type == typeof(TimeSpan) => TimeSpan.FromDays(7),
        var type when type == typeof(DateTimeOffset) => _otherTime,
        var type when type == typeof(WorkflowPhase) => new WorkflowPhase("other"),
        var type when type == typeof(TaskData) => TaskData.From("other"),
        var type when type == typeof(TaskError) => new TaskError { Code = "OTHER", Message = "other" },
        var type when type == typeof(Feedback) => new Feedback { Severity = FeedbackSeverity.Error, Findings = ["other"] },
        var type when type == typeof(AgentTaskStatus) => AgentTaskStatus.Blocked,
        var type when type == typeof(PhaseOutcome) => PhaseOutcome.SentBack,
        var type when type == typeof(WorkflowEventKind) => WorkflowEventKind.PhaseFinished,
        var type when type == typeof(WorkflowStatus) => WorkflowStatus.Waiting,
        var type when type == typeof(IReadOnlyDictionary<string, string>) => new Dictionary<string, string> { ["key"] = "value" },
        var type when type == typeof(Dictionary<string, JsonElement>) => new Dictionary<string, JsonElement> { ["new"] = JsonDocument.Parse("1").RootElement },
        var type => throw new InvalidOperationException($"Give this table a value of {type}."),
    };
}
