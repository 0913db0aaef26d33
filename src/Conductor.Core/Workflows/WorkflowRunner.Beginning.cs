using Conductor.State;

namespace Conductor.Workflows;

/// <content>
/// Which tasks are under way, for whoever goes on with the run after a crash. Where the store outlives the process, a task counts as started when it has its agent: one that waits for an agent,
/// or for capacity, must not be taken for one that killed the process. Where it does not, nobody will ask, and it counts from its hand-over on.
/// </content>
internal sealed partial class WorkflowRunner
{
    /// <summary>Tasks that have their agents, and wait until that is committed. Under the lock of <see cref="_started"/>.</summary>
    private List<BeginRequest>? _beginning;

    private bool RecordsBegins => _services.State.Durability != DurabilityLevel.Volatile;

    /// <summary>A task has its agent. Thread-safe.</summary>
    public void Begin(BeginRequest request)
    {
        lock (_started)
        {
            (_beginning ??= []).Add(request);
        }

        _finished.Nudge();
    }

    /// <summary>Commits what has changed, with the starts of the tasks that have their agents by now. Those begin when it is committed, or not at all.</summary>
    private async ValueTask CommitWithBeginsAsync()
    {
        var begun = TakeBeginning();
        try
        {
            begun?.ForEach(request => _journal.AddStarted(request.Index, _summary.CurrentPhase, _summary.Round));
            await CommitChangesAsync().ConfigureAwait(false);
        }
        catch (Exception exception)
        {
            // First, so that what is refused is known to be nobody's failure.
            Lose(exception);
            begun?.ForEach(static request => request.Refuse());
            throw;
        }

        begun?.ForEach(static request => request.Allow());
    }

    /// <summary>The run stops: nothing begins any more.</summary>
    private void RefuseBegins() => TakeBeginning()?.ForEach(static request => request.Refuse());

    private List<BeginRequest>? TakeBeginning()
    {
        if (Volatile.Read(ref _beginning) is null)
        {
            return null;
        }

        lock (_started)
        {
            var all = _beginning;
            _beginning = null;
            return all;
        }
    }
}
