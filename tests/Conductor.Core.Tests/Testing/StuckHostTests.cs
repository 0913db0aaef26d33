using System.Runtime.CompilerServices;
using Conductor.State;
using Conductor.Testing;
using Conductor.Tests.Support;
using Microsoft.Extensions.DependencyInjection;

namespace Conductor.Tests.Testing;

/// <summary>Something does not end while a host starts or stops: whoever started it is told, and what follows still has its time.</summary>
public sealed class StuckHostTests
{
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(20);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task StartAsync_StartHookThatNeverEnds_IsStuck(bool heedsToken)
    {
        var act = () => StartAsync(token => new ValueTask(heedsToken ? Never().WaitAsync(token) : Never()), options: Impatient()).WaitAsync(_patience);

        (await act.Should().ThrowAsync<StuckException>()).Which.Awaited.Should().Be("the start of the host");
    }

    [Fact]
    public async Task StartAsync_StoreThatNeverConnects_IsStuck()
    {
        var act = () => ConductorTestHost.StartAsync(
            static builder => builder.UseStateManager(static _ => new UnconnectableStore(new InMemoryStateManager())), Impatient()).WaitAsync(_patience);

        (await act.Should().ThrowAsync<StuckException>()).Which.Awaited.Should().Be("the start of the host");
    }

    /// <summary>A start that was given up ends with the disposal, and fails: nobody awaits it any more.</summary>
    [Fact]
    public async Task StartAsync_GivenUp_LeavesNoUnobservedFailure()
    {
        using var unobserved = new UnobservedFailures();

        await StartInVainAsync();

        unobserved.Of(nameof(InvalidTimeZoneException)).Should().BeEmpty();

        [MethodImpl(MethodImplOptions.NoInlining)]
        static async Task StartInVainAsync() =>
            await FluentActions.Awaiting(static () => StartAsync(FailWhenGivenUpAsync, options: Impatient()).WaitAsync(_patience))
                .Should().ThrowAsync<StuckException>();

        static async ValueTask FailWhenGivenUpAsync(CancellationToken token)
        {
            await Never().WaitAsync(token).ContinueWith(static _ => { }, TaskScheduler.Default);
            throw new InvalidTimeZoneException("the hook, as it is given up");
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task StartAsync_FailsAndSoDoesTheDisposal_ThrowsWhatWentWrongFirst(bool hangs)
    {
        var act = () => StartAsync(
            static _ => ValueTask.FromException(new IOException("the hook")),
            _ => hangs ? Never() : Task.FromException(new InvalidTimeZoneException("the disposal"))).WaitAsync(_patience);

        await act.Should().ThrowAsync<IOException>().WithMessage("the hook");
    }

    [Fact]
    public async Task DisposeAsync_ServiceThatNeedsTimeToEnd_IsGivenIt()
    {
        var host = await StartAsync(static _ => ValueTask.CompletedTask, static time => Task.Delay(TimeSpan.FromHours(1), time));

        await host.DisposeAsync().AsTask().WaitAsync(_patience);

        host.Time.Elapsed.Should().BeGreaterThanOrEqualTo(TimeSpan.FromHours(1));
    }

    [Fact]
    public async Task DisposeAsync_ServiceThatNeverEnds_IsStuck()
    {
        var host = await StartAsync(static _ => ValueTask.CompletedTask, static _ => Never());

        var act = () => host.DisposeAsync().AsTask().WaitAsync(_patience);

        (await act.Should().ThrowAsync<StuckException>()).Which.Awaited.Should().Be("the disposal of the container");
    }

    private static Task Never() => new TaskCompletionSource().Task;

    private static ConductorTestHostOptions Impatient() => new() { RealTimeLimit = TimeSpan.FromMilliseconds(300) };

    private static Task<ConductorTestHost> StartAsync(
        Func<CancellationToken, ValueTask> startHook, Func<TimeProvider, Task>? disposal = null, ConductorTestHostOptions? options = null) =>
        ConductorTestHost.StartAsync(
            builder =>
            {
                builder.Services.AddSingleton(provider =>
                {
                    var time = provider.GetRequiredService<TimeProvider>();
                    return new Service(() => disposal?.Invoke(time));
                });
                builder.AddAgent(AgentType.Coding, provider =>
                {
                    provider.GetRequiredService<Service>();
                    return new LambdaAgent(static _ => TaskData.Empty) { OnStarting = startHook };
                });
            },
            options);

    private sealed class Service(Func<Task?> disposal) : IAsyncDisposable
    {
        public ValueTask DisposeAsync() => disposal() is { } end ? new ValueTask(end) : ValueTask.CompletedTask;
    }

    private sealed class UnconnectableStore(StateManager inner) : DelegatingStateManager(inner)
    {
        protected override ValueTask ConnectCoreAsync(CancellationToken cancellationToken) => new(Never());
    }
}
