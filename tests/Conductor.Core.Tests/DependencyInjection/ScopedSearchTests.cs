using Conductor.Agents;
using Conductor.DependencyInjection;
using Microsoft.Extensions.DependencyInjection;
using static Conductor.Tests.Support.Containers;

namespace Conductor.Tests.DependencyInjection;

/// <summary>Whether an agent of <see cref="AgentLifetime.Auto"/> is made for each task is decided by what the container would give it.</summary>
public sealed class ScopedSearchTests
{
    [Fact]
    public async Task OpenGenericTransient_WhoseArgumentIsScoped_IsMadeForEachTask() =>
        (await IsKeptAsync<NeedsWrapped>(static services => services.AddScoped<Scoped>().AddTransient(typeof(Wrap<>)))).Should().BeFalse();

    [Fact]
    public async Task OpenGenericTransient_BehindAnInterface_IsMadeForEachTask() =>
        (await IsKeptAsync<NeedsWrappedInterface>(
            static services => services.AddScoped<Scoped>().AddTransient(typeof(IWrap<>), typeof(Wrap<>)))).Should().BeFalse();

    [Fact]
    public async Task OpenGenericTransient_WhoseArgumentIsASingleton_KeepsTheAgent() =>
        (await IsKeptAsync<NeedsWrapped>(
            static services => services.AddSingleton<Scoped>().AddScoped<Other>().AddTransient(typeof(Wrap<>)))).Should().BeTrue();

    /// <summary>Where all are asked for, the container passes over an open one whose constraints the argument does not fulfil.</summary>
    [Fact]
    public async Task OpenGeneric_WhoseConstraintsExcludeTheArgument_IsPassedOver() =>
        (await IsKeptAsync<NeedsAllWrapped>(static services => services.AddSingleton<Scoped>()
            .AddTransient(typeof(IWrap<>), typeof(Wrap<>)).AddScoped(typeof(IWrap<>), typeof(WrapOfDisposable<>)))).Should().BeTrue();

    [Fact]
    public async Task ClosedRegistration_GoesBeforeAnOpenOne() =>
        (await IsKeptAsync<NeedsWrappedInterface>(static services => services.AddSingleton<Scoped>()
            .AddSingleton<IWrap<Scoped>, Wrap<Scoped>>().AddScoped(typeof(IWrap<>), typeof(Wrap<>)))).Should().BeTrue();

    [Fact]
    public async Task KeyedTransient_ThatAsksByItsOwnKey_IsMadeForEachTask() =>
        (await IsKeptAsync<NeedsKeyed>(static services => services.AddSingleton<Scoped>().AddKeyedScoped<Scoped>("a").AddKeyedTransient<Inherits>("a")))
            .Should().BeFalse();

    [Fact]
    public async Task KeyedTransientOfAnyKey_ThatAsksByItsOwnKey_IsMadeForEachTask() =>
        (await IsKeptAsync<NeedsKeyed>(
            static services => services.AddKeyedSingleton<Scoped>(KeyedService.AnyKey).AddKeyedScoped<Scoped>("a")
                .AddKeyedTransient<Inherits>(KeyedService.AnyKey))).Should().BeFalse();

    /// <summary>One class under two keys asks for two things.</summary>
    [Fact]
    public async Task KeyedTransient_UnderASecondKeyThatHasAScopedOne_IsMadeForEachTask() =>
        (await IsKeptAsync<NeedsTwoKeyed>(static services => services.AddKeyedSingleton<Scoped>("b").AddKeyedScoped<Scoped>("a")
            .AddKeyedTransient<Inherits>("a").AddKeyedTransient<Inherits>("b"))).Should().BeFalse();

    [Fact]
    public async Task KeyedTransient_WhoseKeyHasASingleton_KeepsTheAgent() =>
        (await IsKeptAsync<NeedsKeyed>(static services => services.AddScoped<Scoped>().AddKeyedSingleton<Scoped>("a").AddKeyedTransient<Inherits>("a")))
            .Should().BeTrue();

    [Fact]
    public async Task ScopedRegistration_ThatALaterOneOverrides_KeepsTheAgent() =>
        (await IsKeptAsync<NeedsScoped>(static services => services.AddScoped<Scoped>().AddSingleton<Scoped>())).Should().BeTrue();

    [Fact]
    public async Task ScopedRegistration_ThatOverridesAnEarlierOne_IsMadeForEachTask() =>
        (await IsKeptAsync<NeedsScoped>(static services => services.AddSingleton<Scoped>().AddScoped<Scoped>())).Should().BeFalse();

    [Fact]
    public async Task ScopedRegistration_ThatALaterOneOverrides_CountsWhereAllAreAskedFor() =>
        (await IsKeptAsync<NeedsAll>(static services => services.AddScoped<Scoped>().AddSingleton<Scoped>())).Should().BeFalse();

    [Fact]
    public async Task ConstructorThatIsNotThePreferredOne_KeepsTheAgent() =>
        (await IsKeptAsync<Prefers>(static services => services.AddScoped<Scoped>().AddSingleton<Other>())).Should().BeTrue();

    /// <summary>Such as one for tests, or for another program.</summary>
    [Fact]
    public async Task ConstructorThatAsksForWhatNobodyGives_KeepsTheAgent() =>
        (await IsKeptAsync<HasOneForTests>(static services => services.AddScoped<Scoped>().AddSingleton<Other>())).Should().BeTrue();

    [Fact]
    public async Task ConstructorOfATransient_ThatAsksForWhatNobodyGives_KeepsTheAgent() =>
        (await IsKeptAsync<NeedsHolder>(static services => services.AddScoped<Scoped>().AddSingleton<Other>().AddTransient<Holder>())).Should().BeTrue();

    [Fact]
    public async Task ConstructorOfATransient_ThatIsGivenAll_IsMadeForEachTask() =>
        (await IsKeptAsync<NeedsHolder>(static services => services.AddScoped<Scoped>().AddSingleton<Other>().AddTransient<Holder>().AddSingleton("")))
            .Should().BeFalse();

    [Fact]
    public async Task LongestConstructorThatIsGivenAll_IsMadeForEachTask() =>
        (await IsKeptAsync<HasOneForTests>(static services => services.AddScoped<Scoped>().AddSingleton<Other>().AddSingleton(""))).Should().BeFalse();

    [Fact]
    public async Task ConstructorWithADefaultForWhatNobodyGives_IsMadeForEachTask() =>
        (await IsKeptAsync<HasDefaults>(static services => services.AddScoped<Scoped>().AddSingleton<Other>())).Should().BeFalse();

    /// <summary>Whether the agent lives longer than a task: something else stands for one that does not.</summary>
    private static async Task<bool> IsKeptAsync<TAgent>(Action<IServiceCollection> register)
        where TAgent : BaseAgent
    {
        await using var conductor = await StartAsync(static builder => builder.AddAgent<TAgent>(Worker), register);
        await conductor.DispatchAsync<Scoped>(Worker);
        return conductor.Coordinator.GetAvailableAgents(Worker).Single() is TAgent;
    }

    private class Scoped;

    private sealed class Other : Scoped;

    private interface IWrap<out T>
    {
        T Inner { get; }
    }

    private sealed record Wrap<T>(T Inner) : IWrap<T>;

    private sealed record WrapOfDisposable<T>(T Inner) : IWrap<T>
        where T : IDisposable;

    private sealed record Inherits([FromKeyedServices] Scoped Scoped);

    private abstract class Gives(Scoped scoped) : BaseAgent
    {
        protected override ValueTask<TaskData> RunAsync(TaskContext task, CancellationToken cancellationToken) => new(TaskData.From(scoped));
    }

    private sealed class NeedsScoped(Scoped scoped) : Gives(scoped);

    private sealed class Prefers : Gives
    {
        [ActivatorUtilitiesConstructor]
        public Prefers(Other other)
            : base(other)
        {
        }

        public Prefers(Other other, Scoped scoped)
            : base(scoped ?? other)
        {
        }
    }

    private sealed class HasOneForTests : Gives
    {
        public HasOneForTests(Other other)
            : base(other)
        {
        }

        public HasOneForTests(Other other, Scoped scoped, string text)
            : base(text.Length == 0 ? scoped : other)
        {
        }
    }

    private sealed class HasDefaults(Other other, Scoped scoped, IServiceProvider provider, string text = "")
        : Gives(text.Length == 0 && provider is not null ? scoped : other);

    private sealed class Holder
    {
        public Holder(Other other) => Held = other;

        public Holder(Other other, Scoped scoped, string text) => Held = text.Length == 0 ? scoped : other;

        public Scoped Held { get; }
    }

    private sealed class NeedsHolder(Holder holder) : Gives(holder.Held);

    private sealed class NeedsAll(IEnumerable<Scoped> all) : Gives(all.First());

    private sealed class NeedsWrapped(Wrap<Scoped> wrapped) : Gives(wrapped.Inner);

    private sealed class NeedsWrappedInterface(IWrap<Scoped> wrapped) : Gives(wrapped.Inner);

    private sealed class NeedsAllWrapped(IEnumerable<IWrap<Scoped>> wrapped) : Gives(wrapped.Single().Inner);

    private sealed class NeedsKeyed([FromKeyedServices("a")] Inherits holder) : Gives(holder.Scoped);

    private sealed class NeedsTwoKeyed([FromKeyedServices("b")] Inherits other, [FromKeyedServices("a")] Inherits holder)
        : Gives(other.Scoped == holder.Scoped ? other.Scoped : holder.Scoped);
}
