using Conductor.State;
using Conductor.Testing;

namespace Conductor.Tests.Testing;

/// <summary>The suites are worth something only if they find what is broken: each safety promise has its negative control.</summary>
public sealed class ConformanceSuiteTests
{
    [Fact]
    public void Cases_OfAllSuites_HaveNamesOfTheirOwn()
    {
        var suites = new ConformanceSuite[]
        {
            new MessageBusConformance(_ => throw new NotSupportedException()),
            new StateManagerConformance(_ => throw new NotSupportedException()),
            new LeaseStoreConformance(_ => throw new NotSupportedException()),
            new EffectStoreConformance(_ => throw new NotSupportedException()),
        };

        foreach (var suite in suites)
        {
            suite.Names.Should().NotBeEmpty().And.OnlyHaveUniqueItems();
            suite.Cases.Should().OnlyContain(known => known.ToString() == known.Name);
        }
    }

    [Fact]
    public async Task RunAsync_UnknownName_IsAWrongArgument()
    {
        var suite = new LeaseStoreConformance(_ => throw new NotSupportedException());

        var act = () => suite.RunAsync("no such sentence");

        await act.Should().ThrowAsync<ArgumentException>().WithMessage("*no such sentence*");
    }

    [Theory]
    [InlineData("Saving a run's state from a stale version fails with STATE_CONFLICT and changes nothing")]
    [InlineData("Of racing steps from one version exactly one wins, and only its parts show")]
    [InlineData("A step under a stale lease fails with LEASE_LOST even after its owner has reloaded the run")]
    [InlineData("A step under a lease that was released fails with LEASE_LOST and changes nothing")]
    [InlineData("The first result of an execution wins; a second one is told so")]
    [InlineData("A step that is repeated under its operation id answers as before and changes nothing")]
    [InlineData("A step repeated without its operation id, under another, or after a later step fails with STATE_CONFLICT")]
    [InlineData("A lease that was taken over lets its old holder commit nothing, whatever version it expects")]
    public async Task RunAsync_StoreWithoutFenceAndVersions_FindsIt(string sentence)
    {
        var suite = new StateManagerConformance(environment => new ValueTask<StateManager>(new CarelessStateManager(environment.Environment)));

        var act = () => suite.RunAsync(sentence);

        await act.Should().ThrowAsync<ConformanceException>().WithMessage($"*{sentence}*");
    }
}
