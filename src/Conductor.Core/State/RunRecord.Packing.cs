using System.Text.Json;

namespace Conductor.State;

/// <content>Writing it down for keeping, and reading it again. What has no short form is named as the object that it is.</content>
internal sealed partial class RunRecord
{
    /// <summary>For how many results it has places: one for each task of its definition, or more.</summary>
    public int ResultPlaces => Results.Places;

    /// <summary>Writes it down: whatever the record has must be here, and in <see cref="Read"/> in the same order.</summary>
    public void WriteTo(ref PackWriter pack)
    {
        Write(ref pack, _summary!);
        pack.Put(_version);
        pack.PutObject(Definition);
        pack.Put(IsCancellationRequested ? 1 : 0);
        WriteOperation(ref pack, _lastOperationId);
        pack.Put(_phases.Length);
        foreach (var phase in _phases)
        {
            Write(ref pack, phase);
        }

        pack.Put(_agents.Length);
        foreach (var agent in _agents)
        {
            pack.PutObject(agent);
        }

        pack.PutObject(_log);
        pack.PutObject(_feedbackRounds);
        pack.PutObject(_redeliveries);
        pack.PutObject(_earlier);
        Results.WriteTo(ref pack);
        _events.WriteTo(ref pack);
    }

    /// <summary>Reads what was written.</summary>
    public static RunRecord Read(ref PackReader pack, string id, int maxEvents)
    {
        var record = new RunRecord(id, maxEvents)
        {
            _summary = ReadSummary(ref pack, id),
            _version = pack.Take(),
            Definition = pack.TakeObject<WorkflowDefinition>(),
            IsCancellationRequested = pack.Take() == 1,
            _lastOperationId = ReadOperation(ref pack),
            _phases = new PhaseRecord[pack.TakeInt32()],
        };
        for (var i = 0; i < record._phases.Length; i++)
        {
            record._phases[i] = ReadPhase(ref pack);
        }

        record._agents = new string[pack.TakeInt32()];
        for (var i = 0; i < record._agents.Length; i++)
        {
            record._agents[i] = pack.TakeObject<string>()!;
        }

        record._log = pack.TakeObject<List<WorkflowLogEntry>>();
        record._feedbackRounds = pack.TakeObject<List<FeedbackRound>>();
        record._redeliveries = pack.TakeObject<List<TaskRedelivery>>();
        record._earlier = pack.TakeObject<Dictionary<(string TaskId, int Round), TaskResult>>();
        record._results = RunResults.Read(ref pack, id);
        record._events = EventHistory.Read(ref pack, id, maxEvents);
        return record;
    }

    /// <summary>Reads what is asked for of many runs, or often, and nothing else.</summary>
    public static (WorkflowSummary Summary, WorkflowDefinition? Definition, bool IsCancellationRequested) ReadHead(ref PackReader pack, string id) => (
        ReadSummary(ref pack, id) with { StoreVersion = pack.Take() },
        pack.TakeObject<WorkflowDefinition>(),
        pack.Take() == 1);

    private static void Write(ref PackWriter pack, WorkflowSummary summary)
    {
        var isPlain = IsOfHere(summary.StartedAt) && IsOfHere(summary.CompletedAt);
        pack.PutObject(isPlain ? null : summary);
        if (!isPlain)
        {
            return;
        }

        pack.PutObject(summary.DefinitionName);
        pack.PutObject(summary.DefinitionVersion);
        pack.PutObject(summary.DefinitionHash);
        pack.Put((long)summary.Status);
        pack.PutObject(summary.CurrentPhase?.Name);
        pack.Put(summary.Round);
        pack.Put(summary.TaskCount);
        pack.PutObject(summary.Error);
        WriteTimes(ref pack, summary.StartedAt, summary.CompletedAt);
        pack.PutObject(summary.Metadata.Count == 0 ? null : summary.Metadata);
        pack.PutObject(summary.UnknownMembers);
    }

    private static WorkflowSummary ReadSummary(ref PackReader pack, string id)
    {
        if (pack.TakeObject<WorkflowSummary>() is { } whole)
        {
            return whole;
        }

        return new WorkflowSummary
        {
            WorkflowId = id,
            DefinitionName = pack.TakeObject<string>()!,
            DefinitionVersion = pack.TakeObject<string>()!,
            DefinitionHash = pack.TakeObject<string>()!,
            Status = (WorkflowStatus)pack.Take(),
            CurrentPhase = ReadPhaseName(ref pack),
            Round = pack.TakeInt32(),
            TaskCount = pack.TakeInt32(),
            Error = pack.TakeObject<TaskError>(),
            StartedAt = ReadTime(ref pack),
            CompletedAt = ReadTimeOrNone(ref pack),
            Metadata = pack.TakeObject<IReadOnlyDictionary<string, string>>() ?? Snapshot.EmptyMap,
            UnknownMembers = pack.TakeObject<Dictionary<string, JsonElement>>(),
        };
    }

    private static void Write(ref PackWriter pack, PhaseRecord phase)
    {
        var isPlain = IsOfHere(phase.StartedAt) && IsOfHere(phase.CompletedAt) && phase.UnknownMembers is null && !phase.Phase.IsEmpty;
        pack.PutObject(isPlain ? null : phase);
        if (!isPlain)
        {
            return;
        }

        pack.PutObject(phase.Phase.Name);
        pack.Put(phase.Round);
        WriteTimes(ref pack, phase.StartedAt, phase.CompletedAt);
        pack.Put((long)phase.Outcome);
        pack.Put(phase.CompletedTasks);
        pack.Put(phase.FailedTasks);
        pack.Put(phase.SkippedTasks);
        pack.PutObject(phase.Reason);
    }

    private static PhaseRecord ReadPhase(ref PackReader pack)
    {
        if (pack.TakeObject<PhaseRecord>() is { } whole)
        {
            return whole;
        }

        return new PhaseRecord
        {
            Phase = ReadPhaseName(ref pack)!.Value,
            Round = pack.TakeInt32(),
            StartedAt = ReadTime(ref pack),
            CompletedAt = ReadTimeOrNone(ref pack),
            Outcome = (PhaseOutcome)pack.Take(),
            CompletedTasks = pack.TakeInt32(),
            FailedTasks = pack.TakeInt32(),
            SkippedTasks = pack.TakeInt32(),
            Reason = pack.TakeObject<string>(),
        };
    }

    /// <summary>The last step's name is an id in all runs of this process, and needs no text then.</summary>
    private static void WriteOperation(ref PackWriter pack, string? operationId)
    {
        var number = EntityId.NumberOf(operationId);
        pack.Put(number);
        if (number == 0)
        {
            pack.PutObject(operationId);
        }
    }

    private static string? ReadOperation(ref PackReader pack) => pack.Take() is var number and not 0 ? EntityId.TextOf(number) : pack.TakeObject<string>();

    private static WorkflowPhase? ReadPhaseName(ref PackReader pack) => pack.TakeObject<string>() switch
    {
        null => null,
        "" => default(WorkflowPhase),
        var name => new WorkflowPhase(name),
    };

    private static bool IsOfHere(DateTimeOffset? time) => time is null || time.Value.Offset == TimeSpan.Zero;

    private static void WriteTimes(ref PackWriter pack, DateTimeOffset begin, DateTimeOffset? end)
    {
        pack.PutTime(begin.UtcTicks);
        pack.Put(end is null ? 0 : 1);
        if (end is { } ended)
        {
            pack.PutTime(ended.UtcTicks);
        }
    }

    private static DateTimeOffset ReadTime(ref PackReader pack) => new(pack.TakeTime(), TimeSpan.Zero);

    private static DateTimeOffset? ReadTimeOrNone(ref PackReader pack) => pack.Take() == 1 ? ReadTime(ref pack) : null;
}
