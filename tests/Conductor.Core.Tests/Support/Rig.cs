using System.Collections.Concurrent;
using Conductor.Agents;
using Conductor.Coordination;
using Conductor.Diagnostics;
using Conductor.Errors;
using Conductor.Messaging;
using Conductor.Policies;
using Conductor.State;
using Conductor.Workflows;
using Microsoft.Extensions.Logging.Testing;
using Microsoft.Extensions.Time.Testing;

namespace Conductor.Tests.Support;

/// <summary>Everything built by hand, with a clock that tests move.</summary>
internal sealed class Rig : IAsyncDisposable
{
    private static readonly TimeSpan _realLimit = TimeSpan.FromSeconds(20);
    private int _agents;

    private Rig(RigOptions options)
    {
        Time = new FakeTimeProvider(DateTimeOffset.Parse("2026-01-01T00:00:00Z"));
        Logs = new FakeLogCollector();
        Environment = new ConductorEnvironment(
            Time, options.Loggers ?? new FakeLoggerFactory(Logs), options.Meters, options.Classifier, options.RecordSensitiveData);
        Bus = options.Bus?.Invoke(Environment) ?? new InMemoryMessageBus(Environment);
        State = options.State?.Invoke(Environment) ?? new InMemoryStateManager(Environment, options.Retention);
        Policies = new PolicyEngine(Environment);
        foreach (var policy in options.Policies ?? [new TaskTimeoutPolicy(), new AgentAvailabilityPolicy(), new PhaseGatePolicy()])
        {
            Policies.RegisterPolicy(policy);
        }

        Errors = new ErrorHandler(Bus, State, options.Retry ?? RetryPolicy.Default with { JitterFactor = 0 }, options.Errors, Environment);
        Coordinator = new AgentCoordinator(Bus, State, Policies, Errors, options.Dispatch, Environment);
        Engine = new WorkflowEngine(Coordinator, State, Policies, maxFeedbackLoops: null, options.Workflows, Environment);
    }

    public FakeTimeProvider Time { get; }

    public FakeLogCollector Logs { get; }

    public ConductorEnvironment Environment { get; }

    public MessageBus Bus { get; }

    public StateManager State { get; }

    public PolicyEngine Policies { get; }

    public ErrorHandler Errors { get; }

    public AgentCoordinator Coordinator { get; }

    public WorkflowEngine Engine { get; }

    /// <summary>Messages seen on followed channels, in order.</summary>
    public ConcurrentQueue<(string Channel, AgentMessage Message)> Messages { get; } = new();

    public static async Task<Rig> StartAsync(RigOptions? options = null)
    {
        var rig = new Rig(options ?? new RigOptions());
        await rig.Coordinator.StartAsync();
        return rig;
    }

    public static TaskDefinition NewTask(AgentType? type = null) => new() { AgentType = type ?? AgentType.Coding };

    public Task<LambdaAgent> AddAsync(Func<TaskContext, TaskData> run, AgentType? type = null, string? id = null) =>
        AddAsync((task, _) => new ValueTask<TaskData>(run(task)), type, id);

    public async Task<LambdaAgent> AddAsync(Func<TaskContext, CancellationToken, ValueTask<TaskData>> run, AgentType? type = null, string? id = null)
    {
        var agent = new LambdaAgent(run);
        await Coordinator.RegisterAgentAsync(agent, type ?? AgentType.Coding, id ?? $"agent-{Interlocked.Increment(ref _agents)}");
        return agent;
    }

    public async Task AddAllTypesAsync(Func<TaskContext, TaskData> run)
    {
        foreach (var type in AgentType.WellKnown)
        {
            await AddAsync(run, type, type.Name);
        }
    }

    public async Task FollowAsync(params string[] channels)
    {
        foreach (var channel in channels)
        {
            await Bus.SubscribeAsync(channel, (message, _) =>
            {
                Messages.Enqueue((channel, message));
                return ValueTask.CompletedTask;
            });
        }
    }

    public Task<TaskResult> DispatchAsync(TaskDefinition? task = null, CancellationToken cancellationToken = default) =>
        Coordinator.DispatchTaskAsync(task ?? NewTask(), cancellationToken).AsTask();

    /// <summary>Moves the clock in small steps until the task is done.</summary>
    public async Task<T> DriveAsync<T>(Task<T> task, TimeSpan? step = null)
    {
        await DriveAsync((Task)task, step);
        return await task;
    }

    public async Task DriveAsync(Task task, TimeSpan? step = null)
    {
        var started = System.Diagnostics.Stopwatch.StartNew();
        while (!task.IsCompleted)
        {
            if (started.Elapsed > _realLimit)
            {
                throw new TimeoutException($"Not done after {Time.GetUtcNow():O} of virtual time.");
            }

            await SettleAsync();
            if (!task.IsCompleted)
            {
                Time.Advance(step ?? TimeSpan.FromMilliseconds(250));
            }
        }

        await task;
    }

    /// <summary>Waits for something that happens by itself, without moving the clock.</summary>
    public static async Task UntilAsync(Func<bool> condition, string what)
    {
        var started = System.Diagnostics.Stopwatch.StartNew();
        while (!condition())
        {
            if (started.Elapsed > _realLimit)
            {
                throw new TimeoutException($"Waited in vain for: {what}");
            }

            await SettleAsync();
        }
    }

    /// <summary>Lets what is ready to run, run.</summary>
    public static async Task SettleAsync()
    {
        for (var i = 0; i < 20 || ThreadPool.PendingWorkItemCount > 0; i++)
        {
            await Task.Yield();
            if (i > 2000)
            {
                break;
            }
        }

        await Task.Delay(TimeSpan.FromMilliseconds(1));
    }

    public async ValueTask DisposeAsync()
    {
        var disposing = DisposeAllAsync();
        await DriveAsync(disposing, TimeSpan.FromSeconds(1));
    }

    private async Task DisposeAllAsync()
    {
        await Engine.DisposeAsync();
        await Coordinator.DisposeAsync();
        await Bus.DisposeAsync();
        await State.DisposeAsync();
    }
}
