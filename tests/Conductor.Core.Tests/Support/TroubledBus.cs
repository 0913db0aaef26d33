using System.Collections.Concurrent;
using Conductor.Diagnostics;
using Conductor.Messaging;

namespace Conductor.Tests.Support;

/// <summary>A bus that loses what it is told to, and fails at publishing, and at ending subscriptions or the connection, as long as it is told to.</summary>
internal sealed class TroubledBus(ConductorEnvironment environment) : MessageBus(environment)
{
    private readonly ConcurrentDictionary<string, List<MessageSubscription>> _subscriptions = new();

    public Func<AgentMessage, bool> Loses { get; set; } = _ => false;

    /// <summary>What publishing a message fails with; null for nothing.</summary>
    public Func<AgentMessage, Exception?> Fails { get; set; } = _ => null;

    /// <summary>Whether what fails was delivered before.</summary>
    public bool DeliversWhatFails { get; set; }

    public bool FailsToUnsubscribe { get; set; }

    public bool FailsToDisconnect { get; set; }

    /// <summary>What connecting and disconnecting wait for.</summary>
    public Task Hangs { get; set; } = Task.CompletedTask;

    /// <summary>The same for subscribing.</summary>
    public Task HangsSubscribing { get; set; } = Task.CompletedTask;

    /// <summary>The same for ending a subscription.</summary>
    public Task HangsUnsubscribing { get; set; } = Task.CompletedTask;

    /// <summary>The same for publishing a message, which is delivered after it.</summary>
    public Func<AgentMessage, Task> HangsPublishing { get; set; } = static _ => Task.CompletedTask;

    /// <summary>How many subscriptions it was told to end.</summary>
    public int Unsubscribed { get; private set; }

    /// <summary>How often it was freed.</summary>
    public int Freed { get; private set; }

    /// <summary>When what failed was answered.</summary>
    public TaskCompletionSource Answered { get; } = new();

    /// <summary>How long it takes until what fails does; null for no time.</summary>
    public Func<Task>? FailsAfter { get; set; }

    protected override ValueTask ConnectCoreAsync(CancellationToken cancellationToken) => new(Hangs);

    protected override ValueTask DisconnectCoreAsync(CancellationToken cancellationToken) =>
        FailsToDisconnect ? throw new IOException("The server is gone.") : new(Hangs);

    protected override ValueTask DisposeCoreAsync()
    {
        Freed++;
        return base.DisposeCoreAsync();
    }

    protected override ValueTask PublishCoreAsync(string channel, AgentMessage message, CancellationToken cancellationToken)
    {
        var hangs = HangsPublishing(message);
        return hangs.IsCompletedSuccessfully ? Send(channel, message) : SendLateAsync();

        async ValueTask SendLateAsync()
        {
            await hangs;
            await Send(channel, message);
        }
    }

    private ValueTask Send(string channel, AgentMessage message)
    {
        var failure = Fails(message);
        if (!Loses(message) && (failure is null || DeliversWhatFails) && _subscriptions.TryGetValue(channel, out var list))
        {
            list.ForEach(subscription => subscription.Deliver(message));
        }

        return failure is null ? default : FailAsync(failure);
    }

    /// <summary>After whoever got the message has done with it.</summary>
    private async ValueTask FailAsync(Exception failure)
    {
        if (FailsAfter is { } time)
        {
            await time();
        }

        if (DeliversWhatFails)
        {
            await Task.Run(() => Answered.Task);
        }

        throw failure;
    }

    protected override ValueTask SubscribeCoreAsync(MessageSubscription subscription, CancellationToken cancellationToken)
    {
        _subscriptions.GetOrAdd(subscription.Channel, _ => []).Add(subscription);
        return new(HangsSubscribing);
    }

    protected override ValueTask UnsubscribeCoreAsync(MessageSubscription subscription, CancellationToken cancellationToken)
    {
        Unsubscribed++;
        return FailsToUnsubscribe ? throw new BusException(ErrorCodes.BusDisconnected, "The server is gone.") : new(HangsUnsubscribing);
    }
}
