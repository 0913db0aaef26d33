using System.Runtime.CompilerServices;

namespace Conductor.State;

/// <summary>
/// Refuses records that no store could give back as they are: nameless types and phases (<c>default</c>), and values that their closed sets do not
/// have. What is well costs some nanoseconds and nothing else: steps of runs and results are looked at one by one.
/// </summary>
internal static class StorableRecord
{
    /// <exception cref="TaskValidationException">It holds what cannot be stored.</exception>
    public static void Ensure(TaskResult result)
    {
        if (result.Output is null)
        {
            throw new TaskValidationException(
                $"{nameof(TaskResult.Output)} of the result of task '{result.TaskId}' is null. Leave it out, or give TaskData.Empty.");
        }

        if (!Enum.IsDefined(result.Status) || result.Feedback is { } feedback && !Enum.IsDefined(feedback.Severity))
        {
            ThrowIfUndefined(result.Status, $"the result of task '{result.TaskId}'");
            ThrowIfUndefined(result.Feedback!.Severity, $"the feedback of task '{result.TaskId}'");
        }
    }

    /// <exception cref="TaskValidationException">It holds what cannot be stored.</exception>
    public static void Ensure(WorkflowState state)
    {
        EnsureNoneIsNull(state.PhaseHistory, nameof(state.PhaseHistory));
        EnsureNoneIsNull(state.FeedbackRounds, nameof(state.FeedbackRounds));
        EnsureNoneIsNull(state.ErrorLog, nameof(state.ErrorLog));
        EnsureNoneIsNull(state.ParticipatingAgents, nameof(state.ParticipatingAgents));
        EnsureNoneIsNull(state.Redeliveries, nameof(state.Redeliveries));
        Ensure(state.WorkflowId, state.Status, state.CurrentPhase);
        EnsureAll(state.PhaseHistory);
        EnsureAll(state.FeedbackRounds);
        EnsureAll(state.ErrorLog);
    }

    /// <exception cref="TaskValidationException">It holds what cannot be stored.</exception>
    public static void Ensure(WorkflowTransition step)
    {
        EnsureNoneIsNull(step.Phases, nameof(step.Phases));
        EnsureNoneIsNull(step.FeedbackRounds, nameof(step.FeedbackRounds));
        EnsureNoneIsNull(step.ReopenedTaskIds, nameof(step.ReopenedTaskIds));
        EnsureNoneIsNull(step.Redeliveries, nameof(step.Redeliveries));
        EnsureNoneIsNull(step.Log, nameof(step.Log));
        EnsureNoneIsNull(step.NewAgents, nameof(step.NewAgents));
        Ensure(step.Summary.WorkflowId, step.Summary.Status, step.Summary.CurrentPhase);
        EnsureAll(step.Phases);
        EnsureAll(step.FeedbackRounds);
        EnsureAll(step.Log);
        if (step.Events is not EventBatch)
        {
            // (The engine's own are well, and are made only when somebody reads them.)
            EnsureNoneIsNull(step.Events, nameof(step.Events));
            for (var i = 0; i < step.Events.Count; i++)
            {
                Ensure(step.Events[i]);
            }
        }

        if (step.Definition is { } definition)
        {
            Ensure(definition);
        }
    }

    /// <exception cref="TaskValidationException">It holds what cannot be stored.</exception>
    public static void Ensure(TaskDefinition task)
    {
        if (task.AgentType.IsEmpty || IsNameless(task.Phase) || !Enum.IsDefined(task.Priority))
        {
            ThrowIfNameless(task.AgentType.IsEmpty, nameof(TaskDefinition.AgentType), $"task '{task.Id}'");
            ThrowIfNameless(IsNameless(task.Phase), nameof(TaskDefinition.Phase), $"task '{task.Id}'");
            ThrowIfUndefined(task.Priority, $"task '{task.Id}'");
        }
    }

    private static void Ensure(WorkflowDefinition definition)
    {
        for (var i = 0; i < definition.Phases.Count; i++)
        {
            if (definition.Phases[i].IsEmpty)
            {
                ThrowIfNameless(true, $"{nameof(WorkflowDefinition.Phases)}[{i}]", $"workflow '{definition.Name}'");
            }
        }

        for (var i = 0; i < definition.Tasks.Count; i++)
        {
            Ensure(definition.Tasks[i]);
        }

        if (definition.Feedback is { } rule && (rule.From.IsEmpty || rule.To.IsEmpty))
        {
            ThrowIfNameless(true, rule.From.IsEmpty ? "Feedback.From" : "Feedback.To", $"workflow '{definition.Name}'");
        }

        if ((definition.Feedback?.MinSeverity is { } severity && !Enum.IsDefined(severity))
            || (definition.Feedback?.AtLimit is { } action && !Enum.IsDefined(action)))
        {
            ThrowIfUndefined(definition.Feedback.MinSeverity ?? default, $"the feedback rule of workflow '{definition.Name}'");
            ThrowIfUndefined(definition.Feedback.AtLimit ?? default, $"the feedback rule of workflow '{definition.Name}'");
        }
    }

    private static void Ensure(string workflowId, WorkflowStatus status, WorkflowPhase? phase)
    {
        if (IsNameless(phase) || !Enum.IsDefined(status))
        {
            ThrowIfNameless(IsNameless(phase), nameof(WorkflowState.CurrentPhase), $"run '{workflowId}'");
            ThrowIfUndefined(status, $"run '{workflowId}'");
        }
    }

    private static void EnsureAll(IReadOnlyList<PhaseRecord> phases)
    {
        for (var i = 0; i < phases.Count; i++)
        {
            var phase = phases[i];
            if (phase.Phase.IsEmpty || !Enum.IsDefined(phase.Outcome))
            {
                ThrowIfNameless(phase.Phase.IsEmpty, nameof(PhaseRecord.Phase), $"a {nameof(PhaseRecord)}");
                ThrowIfUndefined(phase.Outcome, $"the {nameof(PhaseRecord)} of '{phase.Phase}'");
            }
        }
    }

    private static void EnsureAll(IReadOnlyList<FeedbackRound> rounds)
    {
        for (var i = 0; i < rounds.Count; i++)
        {
            var round = rounds[i];
            if (round.From.IsEmpty || round.To.IsEmpty)
            {
                ThrowIfNameless(true, round.From.IsEmpty ? nameof(FeedbackRound.From) : nameof(FeedbackRound.To),
                    FormattableString.Invariant($"{nameof(FeedbackRound)} {round.Round}"));
            }

            for (var j = 0; j < round.Feedback.Count; j++)
            {
                if (!Enum.IsDefined(round.Feedback[j].Severity))
                {
                    ThrowIfUndefined(round.Feedback[j].Severity, FormattableString.Invariant($"{nameof(FeedbackRound)} {round.Round}"));
                }
            }
        }
    }

    private static void EnsureAll(IReadOnlyList<WorkflowLogEntry> log)
    {
        for (var i = 0; i < log.Count; i++)
        {
            var entry = log[i];
            if (IsNameless(entry.Phase) || !Enum.IsDefined(entry.Severity))
            {
                ThrowIfNameless(IsNameless(entry.Phase), nameof(WorkflowLogEntry.Phase), $"a {nameof(WorkflowLogEntry)}");
                ThrowIfUndefined(entry.Severity, $"a {nameof(WorkflowLogEntry)}");
            }
        }
    }

    private static void Ensure(WorkflowEvent happening)
    {
        if (!Enum.IsDefined(happening.Kind)
            || (happening.TaskStatus is { } task && !Enum.IsDefined(task))
            || (happening.WorkflowStatus is { } workflow && !Enum.IsDefined(workflow)))
        {
            var owner = FormattableString.Invariant($"event {happening.Position}");
            ThrowIfUndefined(happening.Kind, owner);
            ThrowIfUndefined(happening.TaskStatus ?? default, owner);
            ThrowIfUndefined(happening.WorkflowStatus ?? default, owner);
        }
    }

    /// <summary>Before anything is changed: what cannot be applied is not applied in half.</summary>
    private static void EnsureNoneIsNull<T>(IReadOnlyList<T>? items, string member)
        where T : class
    {
        if (items is null)
        {
            throw new TaskValidationException($"{member} is null, and cannot be stored. Leave it out where there are none.");
        }

        for (var i = 0; i < items.Count; i++)
        {
            if (items[i] is null)
            {
                throw new TaskValidationException(FormattableString.Invariant($"{member}[{i}] is null, and cannot be stored. Leave it out."));
            }
        }
    }

    private static bool IsNameless(WorkflowPhase? phase) => phase is { IsEmpty: true };

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void ThrowIfNameless(bool isNameless, string member, string owner)
    {
        if (isNameless)
        {
            throw new TaskValidationException(
                $"{member} of {owner} is nameless (default), and cannot be stored. Give it a name, or leave it out where it may be null.");
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void ThrowIfUndefined<T>(T value, string owner)
        where T : struct, Enum
    {
        if (!Enum.IsDefined(value))
        {
            throw new TaskValidationException(
                $"{typeof(T).Name} of {owner} is {value}, and cannot be stored. Use one of {string.Join(", ", Enum.GetNames<T>())}.");
        }
    }
}
