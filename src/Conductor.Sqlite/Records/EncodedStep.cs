using Conductor.Sqlite.Database;


namespace Conductor.Sqlite.Records;

/// <summary>A step of a run, written down and ready for the writer. Immutable.</summary>
internal sealed class EncodedStep
{
    public EncodedStep(WorkflowTransition step, SqliteCodec codec)
    {
        Step = step;
        Version = step.ExpectedVersion + 1;
        Summary = codec.Encode(step.Summary with { StoreVersion = Version });
        Definition = step.Definition is { } definition ? codec.Encode(definition) : null;
        Results = step.Results.Count == 0 ? [] : [.. step.Results.Select(codec.Encode)];
        Details = Detail.Of(step, codec);
        Events = step.Events.Count == 0 ? null : codec.Encode<WorkflowEvent[]>([.. step.Events]);
    }

    public WorkflowTransition Step { get; }

    public string WorkflowId => Step.Summary.WorkflowId;

    public long Version { get; }

    public byte[] Summary { get; }

    public byte[]? Definition { get; }

    public byte[][] Results { get; }

    public List<Detail> Details { get; }

    /// <summary>All events of the step in one record; null for none.</summary>
    public byte[]? Events { get; }
}
