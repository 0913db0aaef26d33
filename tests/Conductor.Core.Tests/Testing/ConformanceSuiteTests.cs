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
            new RetentionConformance((_, _) => throw new NotSupportedException()),
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
    [InlineData(typeof(TimeoutException))]
    [InlineData(typeof(NotSupportedException))]
    [InlineData(typeof(OperationCanceledException))]
    public async Task RunAsync_WhateverTheProviderThrows_IsNamedWithTheSentence(Type type)
    {
        var suite = new LeaseStoreConformance(_ => throw (Exception)Activator.CreateInstance(type, "not yet")!);
        var sentence = suite.Names[0];

        var act = () => suite.RunAsync(sentence);

        (await act.Should().ThrowAsync<ConformanceException>()).WithMessage($"'{sentence}' does not hold: it ended with {type.FullName}: not yet")
            .Which.InnerException.Should().BeOfType(type);
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

    [Fact]
    public async Task RunAsync_StoreThatGivesWhatIsBeyondItsAge_FailsAllSentencesButThoseOfWhatIsGiven() =>
        (await KeptAsync(RetentionOptions.DefaultMaxAge)).Should()
            .Equal("A finished run of less than its age is given", "A run in progress of any age is given");

    [Fact]
    public async Task RunAsync_StoreThatGivesNothingForLong_FindsIt() =>
        (await KeptAsync(TimeSpan.FromSeconds(1))).Should().NotContain("A finished run of less than its age is given").And.NotBeEmpty();

    [Theory]
    [InlineData("A run's state is read as it was saved, with its version")]
    [InlineData("A step shows in all its parts once it is committed")]
    [InlineData("A step repeated without its operation id, under another, or after a later step fails with STATE_CONFLICT")]
    [InlineData("A step is repeated only by the holder of its lease; an owner that has lost it is told LEASE_LOST")]
    [InlineData("Redeliveries are read as they were saved, and one of the same task and round is replaced")]
    [InlineData("A step that brings another definition replaces the stored one")]
    [InlineData("The pages of unfinished runs cover each exactly once, ordered by id, and no finished one")]
    [InlineData("A run is unfinished by what was saved last, in a step or whole, until it is deleted")]
    [InlineData("An unfinished run shows its lease, and whether it is held")]
    [InlineData("An unfinished run shows whether somebody asked for it to be cancelled")]
    [InlineData("A lease that ran out but was not taken still lets its holder commit: the fence decides, not the clock")]
    public async Task RunAsync_StoreThatForgetsWhatTakingOverNeeds_FindsIt(string sentence)
    {
        var suite = new StateManagerConformance(environment => new ValueTask<StateManager>(new ForgetfulStateManager(environment.Environment)));

        var act = () => suite.RunAsync(sentence);

        await act.Should().ThrowAsync<ConformanceException>().WithMessage($"*{sentence}*");
    }

    [Theory]
    [InlineData("A lease that was renewed, released or taken since it was observed is not taken over")]
    [InlineData("A lease with the current fence but another nonce is not taken over")]
    [InlineData("A lease nobody ever took is not taken over")]
    [InlineData("Of racing takers of a silent lease exactly one gets it")]
    public async Task RunAsync_LeasesThatAnybodyTakesOver_FindsIt(string sentence) =>
        await FindsAsync(sentence, static leases => new CarelessLeaseStore(leases));

    [Theory]
    [InlineData("A lease that is still as it was observed can be taken over before it runs out")]
    [InlineData("A lease is taken over by its latest renewal, and also once it ran out")]
    [InlineData("Of racing takers of a silent lease exactly one gets it")]
    [InlineData("A lease that another has taken is neither renewed nor released")]
    [InlineData("A lease with the current fence but another nonce is neither renewed nor released")]
    public async Task RunAsync_LeasesThatOnlyRunOut_FindsIt(string sentence) =>
        await FindsAsync(sentence, static leases => new ClockBoundLeaseStore(leases));

    private static async Task FindsAsync(string sentence, Func<LeaseStore, LeaseStore> broken)
    {
        var suite = new LeaseStoreConformance(environment => new ValueTask<StateManager>(new LeasesOfAnotherKind(environment.Environment, broken)));

        var act = () => suite.RunAsync(sentence);

        await act.Should().ThrowAsync<ConformanceException>().WithMessage($"*{sentence}*");
    }

    /// <summary>The sentences about ages that a store keeps which goes by one of its own.</summary>
    private static async Task<List<string>> KeptAsync(TimeSpan age)
    {
        var retention = new RetentionOptions { MaxAge = age };
        var suite = new RetentionConformance((environment, _) => new ValueTask<StateManager>(new InMemoryStateManager(environment.Environment, retention)));
        var kept = new List<string>();
        foreach (var sentence in suite.Names)
        {
            try
            {
                await suite.RunAsync(sentence);
                kept.Add(sentence);
            }
            catch (ConformanceException)
            {
            }
        }

        return kept;
    }
}
