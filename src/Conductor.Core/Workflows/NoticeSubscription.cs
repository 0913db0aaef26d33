using Conductor.Messaging;
using Conductor.Threading;

namespace Conductor.Workflows;

/// <summary>
/// A subscription to the notices about a run. They are best effort, and so is this: where the bus fails at it, or does not answer, there is none, and
/// whoever follows the run finds out by looking. Thread-safe.
/// </summary>
internal sealed class NoticeSubscription : IAsyncDisposable
{
    private readonly WorkflowServices _services;
    private readonly string _runId;
    private readonly MessageSubscription? _subscription;

    private NoticeSubscription(WorkflowServices services, string runId, MessageSubscription? subscription) =>
        (_services, _runId, _subscription) = (services, runId, subscription);

    /// <summary>Subscribes, if the bus is connected. Throws nothing but what the token asks for.</summary>
    /// <param name="services">What the engine has.</param>
    /// <param name="runId">The run.</param>
    /// <param name="handler">Is given the notices.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public static async ValueTask<NoticeSubscription> OpenAsync(
        WorkflowServices services, string runId, Action<AgentMessage> handler, CancellationToken cancellationToken)
    {
        if (!services.Bus.IsConnected)
        {
            return new(services, runId, subscription: null);
        }

        Task<MessageSubscription>? subscribing = null;
        try
        {
            subscribing = services.Bus.SubscribeAsync(Channels.Workflow(runId), HandleAsync, options: null, cancellationToken).AsTask();
            return new(services, runId, await subscribing.WaitHeardAsync(
                LateFailure.NoticePatience, services.Time, exception => Log.NoticeFailed(services.Logger, exception, runId), cancellationToken)
                .ConfigureAwait(false));
        }
#pragma warning disable CA1031 // Whatever a provider throws: the store has what it would tell of.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            // Should it come about yet, nobody has it.
            _ = EndLateAsync(services, runId, subscribing);
            cancellationToken.ThrowIfCancellationRequested();
            Log.NoticeFailed(services.Logger, exception, runId);
            return new(services, runId, subscription: null);
        }

        ValueTask HandleAsync(AgentMessage message, CancellationToken token)
        {
            handler(message);
            return ValueTask.CompletedTask;
        }
    }

    /// <summary>Ends it. Never throws.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_subscription is null)
        {
            return;
        }

        try
        {
            await _subscription.DisposeAsync().WaitHeardAsync(
                LateFailure.NoticePatience, _services.Time, exception => Log.NoticeFailed(_services.Logger, exception, _runId), CancellationToken.None)
                .ConfigureAwait(false);
        }
#pragma warning disable CA1031 // Whatever a provider throws: nothing is taken from it any more.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            Log.NoticeFailed(_services.Logger, exception, _runId);
        }
    }

    private static async Task EndLateAsync(WorkflowServices services, string runId, Task<MessageSubscription>? subscribing)
    {
        await ((Task?)subscribing ?? Task.CompletedTask).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (subscribing is { IsCompletedSuccessfully: true })
        {
            var late = new NoticeSubscription(services, runId, await subscribing.ConfigureAwait(false));
            await late.DisposeAsync().ConfigureAwait(false);
        }
    }
}
