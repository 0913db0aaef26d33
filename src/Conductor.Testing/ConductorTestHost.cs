using System.Runtime.CompilerServices;
using Conductor.Coordination;
using Conductor.DependencyInjection;
using Conductor.Diagnostics;
using Conductor.Serialization;
using Conductor.State;
using Conductor.Workflows;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;

namespace Conductor.Testing;

/// <summary>
/// Everything of one container, started, with a clock of its own and a bus that records: an hour of retries passes in milliseconds.
/// Dispose it to stop. An <c>IHostedService</c> that is added to the container is not started: only Conductor is.
/// </summary>
/// <remarks>
/// <para>
/// While it waits, the host lets the thread pool come to rest and then advances the clock to the next timer that is set, again and again.
/// Whatever waits by the clock of the container (retries, time limits, leases, agents that use <c>TaskContext.TimeProvider</c>) needs no
/// real time.
/// </para>
/// <para>
/// What it can know: work that is queued on the thread pool, threads of the process that want a processor, uses of the clock, the code of its agents (and
/// of the body of <c>RunAsync</c>) that holds a thread of the pool without waiting, however long it computes (up to half a second also where that
/// waits for the machine, as in a read that blocks), and operations of a store that says so
/// (SQLite's does, see <see cref="StateManager.OperationsUnderWay"/>). What it cannot know: other real I/O under way, waits by another clock, and
/// threads of an agent's own. There it would advance too early, and a task would meet its time limit: set
/// <see cref="ConductorTestHostOptions.QuietPeriod"/>. While other tests keep the process busy, it goes by the uses of the clock alone, and more
/// slowly; what handlers, policies and services compute meanwhile, for longer than some 40 milliseconds (alone, for half a second), it takes for theirs.
/// </para>
/// <para>
/// Several may wait at once, side by side or one within what another waits for: time passes for all of them together. While
/// <see cref="AdvanceAsync"/> lets a certain time pass, nobody else lets any.
/// </para>
/// <para>
/// Agent states are saved, and runs that may be taken over are looked for, every ten minutes instead of every second, unless set otherwise: time
/// has to stop at fewer timers.
/// </para>
/// </remarks>
public sealed class ConductorTestHost : IAsyncDisposable
{
    private readonly ServiceProvider _provider;
    private readonly CodeAtWork _code = new();
    private readonly TestHostDriver _driver;

    private ConductorTestHost(ServiceProvider provider, VirtualTimeProvider time, ConductorTestHostOptions options)
    {
        _provider = provider;
        Time = time;
        Bus = provider.GetRequiredService<RecordingMessageBus>();
        Runtime = provider.GetRequiredService<ConductorRuntime>();
        _driver = new TestHostDriver(time, Bus, Runtime.State, _code, options);
        Coordinator.Host.OnBegin = _code.Enter;
    }

    /// <summary>The services of the container.</summary>
    public IServiceProvider Services => _provider;

    /// <summary>Everything of the container.</summary>
    public ConductorRuntime Runtime { get; }

    /// <summary>The bus, with what was published.</summary>
    public RecordingMessageBus Bus { get; }

    /// <summary>The clock.</summary>
    public VirtualTimeProvider Time { get; }

    /// <summary>The store.</summary>
    public StateManager State => Runtime.State;

    /// <summary>Registers agents and dispatches tasks.</summary>
    public AgentCoordinator Coordinator => Runtime.Coordinator;

    /// <summary>Runs workflows.</summary>
    public WorkflowEngine Workflows => Runtime.Workflows;

    /// <summary>Starts a host.</summary>
    /// <param name="configure">Adds agents, policies and services (by <see cref="ConductorBuilder.Services"/>); may swap the store.</param>
    /// <param name="options">Settings. Default: the defaults.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="ArgumentException">One of the settings is out of its range.</exception>
    /// <exception cref="StuckException">The start does not end. It is given up, and left to itself where that does not end either.</exception>
    public static async Task<ConductorTestHost> StartAsync(
        Action<ConductorBuilder>? configure = null, ConductorTestHostOptions? options = null, CancellationToken cancellationToken = default)
    {
        var settings = options ?? new ConductorTestHostOptions();
        if (settings.FindProblem() is { } problem)
        {
            throw new ArgumentException(problem, nameof(options));
        }

        var time = new VirtualTimeProvider(settings.StartAt);
        var services = new ServiceCollection();
        services.AddSingleton<TimeProvider>(time);
        var builder = services.AddConductor(
            static conductor => conductor.Dispatch.AgentStateInterval = conductor.Workflows.RecoveryInterval = TimeSpan.FromMinutes(10));
        if (settings.Configure is { } change)
        {
            builder.Configure(change);
        }

        configure?.Invoke(builder);

        // After the callback: whatever it did, the bus is the recording one and the clock stands still.
        services.Replace(ServiceDescriptor.Singleton<TimeProvider>(time));
        services.AddSingleton(provider => MakeBus(provider, settings));
        builder.UseMessageBus(static provider => provider.GetRequiredService<RecordingMessageBus>());
        var provider = services.BuildServiceProvider();
        ConductorTestHost? host = null;
        try
        {
            host = new ConductorTestHost(provider, time, settings);
            await host.WaitForOwnAsync(host.Runtime.StartAsync(cancellationToken), "the start of the host").ConfigureAwait(false);
            return host;
        }
        catch
        {
            await (host?.TryDisposeContainerAsync() ?? provider.DisposeAsync().AsTask()).ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Waits for a task and lets virtual time pass meanwhile, as much as it takes.</summary>
    /// <param name="task">The task.</param>
    /// <param name="awaited">Names it, for the message of a <see cref="StuckException"/>. Default: the expression it was given by.</param>
    /// <exception cref="StuckException">It does not complete: nothing is left that could complete it, or the real time limit passed.</exception>
    public async Task WaitAsync(Task task, [CallerArgumentExpression(nameof(task))] string? awaited = null)
    {
        ArgumentNullException.ThrowIfNull(task);
        await _driver.RunUntilAsync(task, awaited ?? "a task").ConfigureAwait(false);
        await task.ConfigureAwait(false);
    }

    /// <summary>Waits for a task and lets virtual time pass meanwhile, as much as it takes.</summary>
    /// <typeparam name="T">What it gives.</typeparam>
    /// <param name="task">The task.</param>
    /// <param name="awaited">Names it, for the message of a <see cref="StuckException"/>. Default: the expression it was given by.</param>
    /// <exception cref="StuckException">It does not complete: nothing is left that could complete it, or the real time limit passed.</exception>
    public async Task<T> WaitAsync<T>(Task<T> task, [CallerArgumentExpression(nameof(task))] string? awaited = null)
    {
        ArgumentNullException.ThrowIfNull(task);
        await _driver.RunUntilAsync(task, awaited ?? "a task").ConfigureAwait(false);
        return await task.ConfigureAwait(false);
    }

    /// <summary>Waits for a task and lets virtual time pass meanwhile, as much as it takes.</summary>
    /// <typeparam name="T">What it gives.</typeparam>
    /// <param name="task">The task.</param>
    /// <param name="awaited">Names it, for the message of a <see cref="StuckException"/>. Default: the expression it was given by.</param>
    /// <exception cref="StuckException">It does not complete: nothing is left that could complete it, or the real time limit passed.</exception>
    public Task<T> WaitAsync<T>(ValueTask<T> task, [CallerArgumentExpression(nameof(task))] string? awaited = null) =>
        WaitAsync(task.AsTask(), awaited);

    /// <summary>Runs the body of a test on the thread pool and lets virtual time pass meanwhile, as much as it takes.</summary>
    /// <typeparam name="T">What it gives.</typeparam>
    /// <param name="body">The body.</param>
    /// <exception cref="StuckException">It does not complete: nothing is left that could complete it, or the real time limit passed.</exception>
    public Task<T> RunAsync<T>(Func<ConductorTestHost, Task<T>> body)
    {
        ArgumentNullException.ThrowIfNull(body);

        // Waited for first: what the body waits for comes after that, and within it.
        var wait = WaitAsync(_code.Prepare(() => body(this), out var begin), "the body of the test");
        begin();
        return wait;
    }

    /// <summary>Waits for a task and lets virtual time pass meanwhile, as much as it takes.</summary>
    /// <param name="task">The task.</param>
    /// <param name="awaited">Names it, for the message of a <see cref="StuckException"/>. Default: the expression it was given by.</param>
    /// <exception cref="StuckException">It does not complete: nothing is left that could complete it, or the real time limit passed.</exception>
    public Task WaitAsync(ValueTask task, [CallerArgumentExpression(nameof(task))] string? awaited = null) => WaitAsync(task.AsTask(), awaited);

    /// <summary>The same as where the body gives a <see cref="Task{TResult}"/>.</summary>
    /// <typeparam name="T">What it gives.</typeparam>
    /// <param name="body">The body.</param>
    /// <exception cref="StuckException">It does not complete: nothing is left that could complete it, or the real time limit passed.</exception>
    [OverloadResolutionPriority(-1)]
    public Task<T> RunAsync<T>(Func<ConductorTestHost, ValueTask<T>> body)
    {
        ArgumentNullException.ThrowIfNull(body);
        return RunAsync(host => body(host).AsTask());
    }

    /// <summary>The same as where the body gives a <see cref="Task"/>.</summary>
    /// <param name="body">The body.</param>
    /// <exception cref="StuckException">It does not complete: nothing is left that could complete it, or the real time limit passed.</exception>
    [OverloadResolutionPriority(-1)]
    public Task RunAsync(Func<ConductorTestHost, ValueTask> body)
    {
        ArgumentNullException.ThrowIfNull(body);
        return RunAsync(host => body(host).AsTask());
    }

    /// <summary>Runs the body of a test on the thread pool and lets virtual time pass meanwhile, as much as it takes.</summary>
    /// <param name="body">The body.</param>
    /// <exception cref="StuckException">It does not complete: nothing is left that could complete it, or the real time limit passed.</exception>
    public Task RunAsync(Func<ConductorTestHost, Task> body)
    {
        ArgumentNullException.ThrowIfNull(body);
        return RunAsync(async host =>
        {
            await body(host).ConfigureAwait(false);
            return true;
        });
    }

    /// <summary>Lets a certain time pass: goes through the timers that come due one by one and lets work come to rest after each.</summary>
    /// <param name="duration">How long; zero or more.</param>
    /// <exception cref="StuckException">Work did not come to rest, or timers were set for now again and again, as long as the real time limit.</exception>
    public Task AdvanceAsync(TimeSpan duration)
    {
        Time.ThrowIfOutOfRange(duration);
        return _driver.AdvanceAsync(duration);
    }

    /// <summary>Fires the timers that are due now and lets work come to rest, without letting time pass.</summary>
    /// <exception cref="StuckException">Work did not come to rest, or timers were set for now again and again, as long as the real time limit.</exception>
    public Task SettleAsync() => _driver.AdvanceAsync(TimeSpan.Zero);

    /// <summary>Stops everything and disposes the container, both in virtual time.</summary>
    /// <exception cref="StuckException">One of the two does not end. It is left to itself.</exception>
    public async ValueTask DisposeAsync()
    {
        try
        {
            await WaitForOwnAsync(Runtime.DisposeAsync().AsTask(), "the stop of the host").ConfigureAwait(false);
        }
        catch
        {
            await TryDisposeContainerAsync().ConfigureAwait(false);
            throw;
        }

        await DisposeContainerAsync().ConfigureAwait(false);
    }

    /// <summary>Waits for what nobody else awaits: where that is given up, how it ends later is nobody's, and no unobserved failure.</summary>
    private async Task WaitForOwnAsync(Task task, string awaited)
    {
        try
        {
            await WaitAsync(task, awaited).ConfigureAwait(false);
        }
        finally
        {
            _ = task.ContinueWith(
                static left => left.Exception, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        }
    }

    /// <summary>What ends with the container may wait by its clock, which only moves while somebody drives it.</summary>
    private Task DisposeContainerAsync() => WaitForOwnAsync(_provider.DisposeAsync().AsTask(), "the disposal of the container");

    /// <summary>Disposes the container after something went wrong: that is what is thrown, and not what goes wrong now as well.</summary>
    private async Task TryDisposeContainerAsync()
    {
        try
        {
            await DisposeContainerAsync().ConfigureAwait(false);
        }
#pragma warning disable CA1031 // What went wrong first is thrown.
        catch
#pragma warning restore CA1031
        {
        }
    }

    private static RecordingMessageBus MakeBus(IServiceProvider provider, ConductorTestHostOptions settings) => new(
        provider.GetRequiredService<ConductorEnvironment>(),
        provider.GetRequiredService<IOptions<ConductorOptions>>().Value.Bus,
        settings.InnerBus?.Invoke(provider),
        settings.UseJson ? provider.GetRequiredService<ConductorSerializer>().Options : null);
}
