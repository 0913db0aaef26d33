using System.Security.Cryptography;
using System.Text;

namespace Conductor.Workflows;

/// <summary>
/// A hash of a definition's structure: what makes a run of it mean something else when it changes. Inputs, descriptions and notes are not
/// part of it.
/// </summary>
internal static class DefinitionHash
{
    public static string Of(WorkflowDefinition definition)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Add(hash, definition.Name);
        Add(hash, definition.Version);
        foreach (var phase in definition.Phases)
        {
            Add(hash, phase.Name);
        }

        foreach (var task in definition.Tasks)
        {
            Add(hash,
                $"{task.Id}|{task.AgentType}|{task.Phase}|{task.Priority}|{task.Timeout.Ticks}|{task.Deadline?.Ticks}|{task.Optional}|{task.IdempotencyKey}");
            foreach (var dependency in task.DependsOn)
            {
                Add(hash, dependency);
            }
        }

        if (definition.Feedback is { } rule)
        {
            Add(hash, $"{rule.From}|{rule.To}|{rule.MaxRounds}|{rule.MinSeverity}|{rule.AtLimit}");
        }

        Add(hash, definition.Timeout?.Ticks.ToString() ?? string.Empty);
        return Convert.ToHexStringLower(hash.GetHashAndReset().AsSpan(0, 16));
    }

    private static void Add(IncrementalHash hash, string text)
    {
        hash.AppendData(Encoding.UTF8.GetBytes(text));
        hash.AppendData([0]);
    }
}
