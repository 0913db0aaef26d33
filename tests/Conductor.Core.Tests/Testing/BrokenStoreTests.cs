using Conductor.State;
using Conductor.Testing;

namespace Conductor.Tests.Testing;

/// <summary>What the suite of stores says of one that loses something, or takes one thing for another.</summary>
public sealed class BrokenStoreTests
{
    private const string WholeResults = "A result is read with every member it was saved with, alone, in a run and with a step";
    private const string WholeRuns = "A run, its definition and its history are read with every member they were saved with";
    private const string WholeOthers = "A dead letter, an agent's state and an effect's value are read with every member they were saved with";
    private const string Lasting = "What was saved is there after disconnect and connect, each done twice";
    private const string Unfinished = "An unfinished run shows its lease, and whether it is held";

    [Theory]
    [InlineData(StoreFault.Feedback, WholeResults)]
    [InlineData(StoreFault.Metadata, WholeResults)]
    [InlineData(StoreFault.Ticks, WholeResults)]
    [InlineData(StoreFault.Text, WholeResults)]
    [InlineData(StoreFault.LongOutput, WholeResults)]
    [InlineData(StoreFault.Definition, WholeRuns)]
    [InlineData(StoreFault.Events, WholeRuns)]
    [InlineData(StoreFault.Letter, WholeOthers)]
    [InlineData(StoreFault.AgentTicks, WholeOthers)]
    [InlineData(StoreFault.DefinitionsAfterConnect, Lasting)]
    [InlineData(StoreFault.EventsAfterConnect, Lasting)]
    [InlineData(StoreFault.LettersAfterConnect, Lasting)]
    [InlineData(StoreFault.WishAfterConnect, Lasting)]
    [InlineData(StoreFault.LeasesAfterConnect, Lasting)]
    [InlineData(StoreFault.EffectsAfterConnect, Lasting)]
    [InlineData(StoreFault.TornReads, "Whoever reads while steps are committed sees all parts of one version")]
    [InlineData(StoreFault.LeaseCheckedBefore, "Of the steps of an owner none lands once its lease was taken over, however close the two come")]
    public async Task RunAsync_StoreThatBreaksOnePromise_FindsIt(StoreFault fault, string sentence) =>
        await FindsAsync(sentence, environment => new LossyStateManager(environment.Environment, fault));

    [Theory]
    [InlineData(false, "Agents whose ids differ in case, or by a blank at the end, are different ones")]
    [InlineData(true, "Agents whose ids differ in case, or by a blank at the end, are different ones")]
    [InlineData(false, "Runs whose ids differ in case, or by a blank at the end, are different ones")]
    [InlineData(true, "Runs whose ids differ in case, or by a blank at the end, are different ones")]
    [InlineData(false, "Tasks whose ids differ in case, or by a blank at the end, are different ones")]
    [InlineData(true, "Tasks whose ids differ in case, or by a blank at the end, are different ones")]
    [InlineData(false, "Dead letters, effects and leases whose names differ in case, or by a blank at the end, are different ones")]
    [InlineData(true, "Dead letters, effects and leases whose names differ in case, or by a blank at the end, are different ones")]
    public async Task RunAsync_StoreThatBlursIds_FindsIt(bool trims, string sentence) => await FindsAsync(
        sentence, environment => new BlurredStateManager(environment.Environment, id => trims ? id.TrimEnd() : id.ToUpperInvariant()));

    /// <summary>A lease that is not there is told as that, and not as a failure of the suite.</summary>
    [Fact]
    public async Task RunAsync_LeaseThatCannotBeRenewedOnceItRanOut_SaysSo() => (await FindsAsync(
        Unfinished, static environment => new LeasesOfAnotherKind(environment.Environment, static leases => new PunctualLeaseStore(leases))))
        .Message.Should().EndWith("the renewed lease: expected something, found nothing");

    private static async Task<ConformanceException> FindsAsync(string sentence, Func<ConformanceEnvironment, StateManager> make)
    {
        var suite = new StateManagerConformance(environment => new ValueTask<StateManager>(make(environment)));

        var act = () => suite.RunAsync(sentence);

        return (await act.Should().ThrowAsync<ConformanceException>().WithMessage($"'{sentence}' does not hold: *")).Which;
    }
}
