using System.Reflection;
using Microsoft.Extensions.Logging;

namespace Conductor.Tests.House;

/// <summary>Event ids: unique, and in the range of their room (telemetry.md).</summary>
public sealed class LogEventTests
{
    private static readonly Dictionary<string, (int First, int Last)> _ranges = new()
    {
        ["Conductor.DependencyInjection"] = (1000, 1099),
        ["Conductor.Messaging"] = (1100, 1199),
        ["Conductor.State"] = (1200, 1299),
        ["Conductor.Agents"] = (1300, 1399),
        ["Conductor.Coordination"] = (1300, 1399),
        ["Conductor.Workflows"] = (1400, 1499),
        ["Conductor.Policies"] = (1500, 1599),
        ["Conductor.Errors"] = (1600, 1699),
        ["Conductor.Diagnostics"] = (1600, 1699),
    };

    private static readonly List<(MethodInfo Method, LoggerMessageAttribute Event)> _events =
    [
        .. typeof(AgentType).Assembly.GetTypes()
            .SelectMany(
                type => type.GetMethods(BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Static | BindingFlags.Instance | BindingFlags.DeclaredOnly))
            .Select(method => (method, method.GetCustomAttribute<LoggerMessageAttribute>()!))
            .Where(pair => pair.Item2 is not null),
    ];

    [Fact]
    public void EventIds_AreUnique() => _events.Select(pair => pair.Event.EventId).Should().OnlyHaveUniqueItems().And.HaveCountGreaterThan(20);

    [Fact]
    public void EventIds_AreInTheRangeOfTheirRoom()
    {
        foreach (var (method, happening) in _events)
        {
            var (first, last) = _ranges[method.DeclaringType!.Namespace!];
            happening.EventId.Should().BeInRange(first, last, "{0}.{1} belongs to that room", method.DeclaringType, method.Name);
        }
    }

    [Fact]
    public void Messages_EndAsSentencesAndHoldNoPayloads()
    {
        _events.Should().OnlyContain(pair => pair.Event.Message.EndsWith('.') || pair.Event.Message.EndsWith('}'));
        _events.SelectMany(pair => pair.Method.GetParameters()).Select(parameter => parameter.ParameterType)
            .Should().NotContain(typeof(TaskData)).And.NotContain(typeof(TaskDefinition)).And.NotContain(typeof(Conductor.Messaging.AgentMessage));
    }

    [Fact]
    public void Logging_OnlyByLoggerMessages() =>
        SourceTree.SourceFiles.Where(file => System.Text.RegularExpressions.Regex.IsMatch(
            SourceTree.Read(file), @"\.Log(Trace|Debug|Information|Warning|Error|Critical)\(")).Should().BeEmpty();
}
