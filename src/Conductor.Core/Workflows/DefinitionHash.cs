using System.Buffers;
using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace Conductor.Workflows;

/// <summary>
/// A hash of a definition's structure: what makes a run of it mean something else when it changes. Inputs, descriptions and notes are not
/// part of it. Every text is preceded by its length, and every list by its count: whatever ids and keys contain, no two definitions are hashed as one.
/// </summary>
internal static class DefinitionHash
{
    /// <summary>In place of a number, or a length, where there is nothing.</summary>
    private const long None = -1;

    public static string Of(WorkflowDefinition definition)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var part = new ArrayBufferWriter<byte>();
        AddHead(part, definition);
        Append(hash, part);
        foreach (var task in definition.Tasks)
        {
            AddTask(part, task);
            Append(hash, part);
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset().AsSpan(0, 16));
    }

    private static void AddHead(ArrayBufferWriter<byte> part, WorkflowDefinition definition)
    {
        Add(part, definition.Name);
        Add(part, definition.Version);
        Add(part, definition.Timeout?.Ticks ?? None);
        Add(part, definition.Phases.Count);
        foreach (var phase in definition.Phases)
        {
            Add(part, phase.Name);
        }

        if (definition.Feedback is { } rule)
        {
            Add(part, rule.From.Name);
            Add(part, rule.To.Name);
            Add(part, rule.MaxRounds ?? None);
            Add(part, rule.MinSeverity?.ToString());
            Add(part, rule.AtLimit?.ToString());
        }
        else
        {
            Add(part, None);
        }

        Add(part, definition.Tasks.Count);
    }

    private static void AddTask(ArrayBufferWriter<byte> part, TaskDefinition task)
    {
        Add(part, task.Id);
        Add(part, task.AgentType.Name);
        Add(part, task.Phase?.Name);
        Add(part, task.Priority.ToString());
        Add(part, task.Timeout.Ticks);
        Add(part, task.Deadline?.Ticks ?? None);
        Add(part, task.Optional ? 1 : 0);
        Add(part, task.IdempotencyKey);
        Add(part, task.DependsOn.Count);
        foreach (var dependency in task.DependsOn)
        {
            Add(part, dependency);
        }
    }

    private static void Add(ArrayBufferWriter<byte> part, string? text)
    {
        Add(part, text is null ? None : Encoding.UTF8.GetByteCount(text));
        Encoding.UTF8.GetBytes(text, part);
    }

    private static void Add(ArrayBufferWriter<byte> part, long number)
    {
        BinaryPrimitives.WriteInt64LittleEndian(part.GetSpan(sizeof(long)), number);
        part.Advance(sizeof(long));
    }

    private static void Append(IncrementalHash hash, ArrayBufferWriter<byte> part)
    {
        hash.AppendData(part.WrittenSpan);
        part.ResetWrittenCount();
    }
}
