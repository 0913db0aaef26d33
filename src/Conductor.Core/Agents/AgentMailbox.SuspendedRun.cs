namespace Conductor.Agents;

/// <content>Waiting for the agent's code.</content>
internal abstract partial class AgentMailbox
{
    /// <summary>
    /// What the mailbox goes on with when the agent's code, which has suspended, is over. Used again for each task: a mailbox runs one at a time.
    /// </summary>
    private sealed class SuspendedRun
    {
        private readonly AgentMailbox _mailbox;
        private readonly Action _goOn;
        private TaskContext? _attempt;
        private ValueTask<TaskResult> _run;

        public SuspendedRun(AgentMailbox mailbox)
        {
            _mailbox = mailbox;
            _goOn = GoOn;
        }

        public void Await(TaskContext attempt, ValueTask<TaskResult> run)
        {
            (_attempt, _run) = (attempt, run);
            _run.ConfigureAwait(false).GetAwaiter().UnsafeOnCompleted(_goOn);
        }

        private void GoOn()
        {
            // Before anything follows: the next task of the agent may begin, and suspend, while this one returns.
            var (attempt, run) = (_attempt!, _run);
            (_attempt, _run) = (null, default);
            _mailbox.Return(attempt, run);
        }
    }
}
