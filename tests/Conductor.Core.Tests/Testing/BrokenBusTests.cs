using Conductor.Messaging;
using Conductor.State;
using Conductor.Testing;

namespace Conductor.Tests.Testing;

/// <summary>What the suite of buses says of one that is broken, and what is left of a case that was given up.</summary>
public sealed class BrokenBusTests
{
    private const string NearlyAlike = "Channels whose names differ in case, or of which one begins with another, do not meet";
    private const string Burst = "A subscription that has room misses nothing of a burst, whatever was published before";

    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(60);

    [Theory]
    [InlineData(BusFault.Prefix, NearlyAlike, "*subscription of 'conductor:agent:a': expected '1', found '3'")]
    [InlineData(BusFault.Case, NearlyAlike, "*subscription of 'conductor:agent:a': expected '1', found '2'")]
    [InlineData(BusFault.Burst, Burst, "*subscription of 'c': expected '3000', found '2*'")]
    [InlineData(BusFault.Twice, NearlyAlike, "*expected '1', found '2'")]
    [InlineData(BusFault.Twice, "A message reaches every current subscription of its channel and no other", "*expected '1', found '2'")]
    [InlineData(BusFault.Twice, "A subscription is live when its call returns", "*expected '1', found '2'")]
    [InlineData(BusFault.Twice, "Each subscription sees the messages of one publisher in their order", "*expected '1000', found '2000'")]
    [InlineData(BusFault.Twice, "A steady subscription misses nothing while others come and go", "*expected '300', found '600'")]
    [InlineData(BusFault.Twice, "A handler that is slow delays neither the publisher nor its siblings", "*expected '20', found '40'")]
    [InlineData(BusFault.Twice, "A subscription handles one message after another", "*expected '200', found '400'")]
    [InlineData(BusFault.Twice, "Reconnect works: new subscriptions and requests, and none of the old ones", "*expected '1', found '2'")]
    public async Task RunAsync_BrokenBus_SaysWhatItFound(BusFault fault, string sentence, string found)
    {
        var suite = new MessageBusConformance(environment => new ValueTask<MessageBus>(new BrokenMessageBus(environment.Environment, fault)));

        var act = () => suite.RunAsync(sentence);

        await act.Should().ThrowAsync<ConformanceException>().WithMessage($"'{sentence}' does not hold: {found}");
    }

    [Fact]
    public async Task RunAsync_CaseGivenUp_DisposesOfItsBus()
    {
        BrokenMessageBus? bus = null;
        var suite = new MessageBusConformance(
            environment => new ValueTask<MessageBus>(bus = new BrokenMessageBus(environment.Environment, BusFault.Deaf))) { Limit = TimeSpan.FromSeconds(0.5) };

        var act = () => suite.RunAsync("A subscription is live when its call returns");

        await act.Should().ThrowAsync<ConformanceException>().WithMessage("*did not end within 0.5 s.");
        await bus!.Disposed.WaitAsync(_patience);
    }

    [Fact]
    public async Task RunAsync_CaseGivenUp_DisposesOfItsStore()
    {
        var disposed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var suite = new StateManagerConformance(_ => new ValueTask<StateManager>(new SilentStore(disposed))) { Limit = TimeSpan.FromSeconds(0.5) };

        var act = () => suite.RunAsync("An agent's state is read as it was saved, with its version");

        await act.Should().ThrowAsync<ConformanceException>().WithMessage("*did not end within 0.5 s.");
        await disposed.Task.WaitAsync(_patience);
    }

    /// <summary>A store that never answers.</summary>
    private sealed class SilentStore(TaskCompletionSource disposed) : DelegatingStateManager(new InMemoryStateManager())
    {
        protected override ValueTask<AgentState?> GetAgentStateCoreAsync(string agentId, CancellationToken cancellationToken) =>
            new(new TaskCompletionSource<AgentState?>().Task);

        protected override ValueTask DisposeCoreAsync()
        {
            disposed.TrySetResult();
            return base.DisposeCoreAsync();
        }
    }
}
