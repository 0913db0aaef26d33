using Conductor.Agents;
using Conductor.DependencyInjection;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Conductor.Tests.DependencyInjection;

/// <summary>An agent that is made anew for each task, and asks for what the container has not: found at the start, as of one that is made then.</summary>
public sealed class MissingServicesTests
{
    [Fact]
    public async Task StartConductorAsync_PerTaskAgentAsksForWhatIsNotRegistered_NamesAgentAndService()
    {
        var start = () => StartAsync<Reader>(static _ => { });

        (await start.Should().ThrowAsync<InvalidOperationException>()).Which.Message.Should().Be(
            $"Agent {typeof(Reader)} is made anew for each task, and the container has no {typeof(Index)} for its constructor. Register that before the " +
                "container is built.");
    }

    [Fact]
    public async Task StartConductorAsync_PerTaskAgentAsksForTwoThatAreMissing_NamesBoth()
    {
        var start = () => StartAsync<Demanding>(static _ => { });

        (await start.Should().ThrowAsync<InvalidOperationException>()).Which.Message.Should().Contain($"no {typeof(Index)}, and no {typeof(Catalogue)} for");
    }

    [Fact]
    public async Task StartConductorAsync_UnderAnotherKey_NamesTheService()
    {
        var start = () => StartAsync<Keyed>(static services => services.AddKeyedSingleton<Index>("b"));

        await start.Should().ThrowAsync<InvalidOperationException>().WithMessage($"*no {typeof(Index)} for*");
    }

    /// <summary>What a container gives without being told, what has a default, what is open, what is keyed; and one of several constructors is enough.</summary>
    [Fact]
    public async Task StartConductorAsync_AllThatIsAskedForIsThere_Starts()
    {
        await Starts<Reader>(static services => services.AddSingleton<Index>());
        await Starts<Keyed>(static services => services.AddKeyedSingleton<Index>("a"));
        await Starts<Given>(static services => services.AddLogging());
        await Starts<OneOfTwo>(static _ => { });

        static async Task Starts<TAgent>(Action<IServiceCollection> add)
            where TAgent : PageAgent
        {
            await using var conductor = await StartAsync<TAgent>(add);
            (await conductor.DispatchAsync<int>(new AgentType("reader"))).Should().Be(1, typeof(TAgent).Name);
        }
    }

    /// <summary>It is that constructor which is called, whatever another would do with.</summary>
    [Fact]
    public async Task StartConductorAsync_PreferredConstructorAsksForWhatIsMissing_NamesIt()
    {
        var start = () => StartAsync<Preferring>(static _ => { });

        await start.Should().ThrowAsync<InvalidOperationException>().WithMessage($"*no {typeof(Index)} for*");
    }

    private static async Task<ConductorRuntime> StartAsync<TAgent>(Action<IServiceCollection> add)
        where TAgent : PageAgent
    {
        var services = new ServiceCollection().AddScoped<Page>();
        add(services);
        services.AddConductor().AddAgent<TAgent>(new AgentType("reader"));
        return await services.BuildServiceProvider().StartConductorAsync();
    }

    private sealed class Page;

    private sealed class Index;

    private sealed class Catalogue;

    /// <summary>Each asks for a scoped service, and is made anew for each task.</summary>
    private abstract class PageAgent : BaseAgent
    {
        protected override ValueTask<TaskData> RunAsync(TaskContext task, CancellationToken cancellationToken) => new(TaskData.From(1));
    }

#pragma warning disable CS9113 // What it asks for is all that matters.
    private sealed class Reader(Page page, Index index) : PageAgent;

    private sealed class Demanding(Page page, Index index, Catalogue catalogue) : PageAgent;

    private sealed class Keyed(Page page, [FromKeyedServices("a")] Index index) : PageAgent;

    private sealed class Given(
        Page page, IServiceProvider provider, IServiceScopeFactory scopes, ILogger<Given> logger, IEnumerable<Index> indexes, Index? index = null) : PageAgent;
#pragma warning restore CS9113

    private sealed class OneOfTwo : PageAgent
    {
        public OneOfTwo(Page page) => _ = page;

        public OneOfTwo(Page page, Index index) => _ = (page, index);
    }

    private sealed class Preferring : PageAgent
    {
        public Preferring(Page page) => _ = page;

        [ActivatorUtilitiesConstructor]
        public Preferring(Page page, Index index) => _ = (page, index);
    }
}
