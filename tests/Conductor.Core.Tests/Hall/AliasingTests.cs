using System.Collections;
using System.Reflection;
using Conductor.State;

namespace Conductor.Tests.Hall;

/// <summary>
/// Records that are stored or sent copy the collections they are given. (A transition and a stretch of history are made for one call between
/// engine and store, by code that keeps nothing of them: that stores do not alias them is held by the conformance suite.)
/// </summary>
public sealed class AliasingTests
{
    private static readonly Dictionary<Type, object> _lists = new()
    {
        [typeof(string)] = new List<string> { "x" },
        [typeof(WorkflowPhase)] = new List<WorkflowPhase> { WorkflowPhase.DevOps },
        [typeof(TaskDefinition)] = new List<TaskDefinition> { new() { AgentType = AgentType.Coding } },
        [typeof(Feedback)] = new List<Feedback> { new() { Severity = FeedbackSeverity.Info } },
        [typeof(PhaseRecord)] = new List<PhaseRecord> { new() { Phase = WorkflowPhase.DevOps } },
        [typeof(FeedbackRound)] = new List<FeedbackRound> { new() { Round = 1, From = WorkflowPhase.Monitoring, To = WorkflowPhase.DevOps } },
        [typeof(TaskRedelivery)] = new List<TaskRedelivery> { new() { TaskId = "t", Crashes = 1 } },
        [typeof(WorkflowLogEntry)] = new List<WorkflowLogEntry> { new() { Timestamp = default, Error = new TaskError { Code = "c", Message = "m" } } },
    };

    public static TheoryData<string> CollectionProperties => [.. Properties().Select(property => $"{property.DeclaringType!.FullName}.{property.Name}")];

    [Theory]
    [MemberData(nameof(CollectionProperties))]
    public void Init_Collection_IsCopied(string name)
    {
        var property = Properties().Single(candidate => $"{candidate.DeclaringType!.FullName}.{candidate.Name}" == name);
        var record = System.Runtime.CompilerServices.RuntimeHelpers.GetUninitializedObject(property.DeclaringType!);
        var (given, clear) = Make(property.PropertyType);

        property.SetValue(record, given);
        clear();

        ((IEnumerable)property.GetValue(record)!).Cast<object>().Should().HaveCount(1, "{0} must not alias what its maker can still change", name);
    }

    private static IEnumerable<PropertyInfo> Properties() => typeof(AgentType).Assembly.GetExportedTypes()
        .Where(type => type.GetMethod("<Clone>$") is not null && !type.IsAbstract && !type.ContainsGenericParameters)
        .Where(type => type != typeof(WorkflowTransition) && type != typeof(WorkflowHistory))
        .SelectMany(type => type.GetProperties(BindingFlags.Public | BindingFlags.Instance | BindingFlags.DeclaredOnly))
        .Where(property => property.CanWrite && property.PropertyType.IsGenericType
            && (property.PropertyType.GetGenericTypeDefinition() == typeof(IReadOnlyList<>)
                || property.PropertyType.GetGenericTypeDefinition() == typeof(IReadOnlyDictionary<,>)));

    private static (object Given, Action Clear) Make(Type type)
    {
        if (type.GetGenericTypeDefinition() == typeof(IReadOnlyList<>))
        {
            var item = type.GetGenericArguments()[0];
            var list = (IList)Activator.CreateInstance(typeof(List<>).MakeGenericType(item), _lists[item])!;
            return (list, list.Clear);
        }

        var value = type.GetGenericArguments()[1];
        var map = (IDictionary)Activator.CreateInstance(typeof(Dictionary<,>).MakeGenericType(type.GetGenericArguments()))!;
        map["key"] = value == typeof(string) ? "v" : value == typeof(double) ? 1.0 : value == typeof(TaskData) ? TaskData.From(1)
            : value == typeof(TaskResult) ? new TaskResult { TaskId = "t", Status = AgentTaskStatus.Completed } : null;
        return (map, map.Clear);
    }
}
