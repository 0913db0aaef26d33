using Conductor.Benchmarks.Peers.Measuring;
using Conductor.DependencyInjection;
using Conductor.Messaging;
using Microsoft.Extensions.DependencyInjection;

namespace Conductor.Benchmarks.Peers.Contenders.Ours;

/// <summary>
/// Conductor with the defaults of <c>AddConductor()</c>: policies checked, assignment and result over the bus, a time limit armed, the result
/// recorded in memory.
/// </summary>
internal class ConductorContender : Contender, ICallContender, IWorkflowContender, IPublishContender
{
    public const string PlainName = "conductor";

    private static readonly AgentType _worker = new("worker");

    private ServiceProvider _provider = null!;
    private ConductorRuntime _conductor = null!;
    private WorkflowDefinition _workflow = null!;

    public override string Name => PlainName;

    public override string Title => "Conductor";

    public override Traits Traits { get; } = new()
    {
        Queue = Traits.Yes,
        OneAtATime = Traits.Yes,
        ToIdle = Traits.Yes,
        Policies = Traits.Yes,
        Timeout = Traits.Yes,
        Retries = Traits.Yes,
        ResultSaved = "in memory",
        Survives = "with SQLite",
    };

    public override string Package => PackageOf("Conductor.Core", typeof(ConductorRuntime));

    public override async Task StartAsync()
    {
        var services = new ServiceCollection();
        Configure(services.AddConductor());
        _provider = services.BuildServiceProvider();
        _conductor = await _provider.StartConductorAsync();
    }

    public async Task AddWorkersAsync(int count, bool suspending)
    {
        for (var i = 0; i < count; i++)
        {
            await _conductor.Coordinator.RegisterAgentAsync(suspending ? new SuspendingAgent() : new NumberAgent(), _worker);
        }
    }

    public async Task CallAsync(Caller caller)
    {
        while (caller.Next(out var number))
        {
            var result = await _conductor.Coordinator.DispatchTaskAsync(CreateTask(number));
            caller.Done(result.EnsureSucceeded().Output.Get<int>());
        }
    }

    public object? CreateRequest(int number) => CreateTask(number);

    public Task PrepareWorkflowAsync(int phases, int tasksPerPhase)
    {
        var workflow = WorkflowDefinition.Create("peers");
        foreach (var phase in new[] { WorkflowPhase.Development, WorkflowPhase.DevOps, WorkflowPhase.Monitoring }.Take(phases))
        {
            workflow.Phase(phase, tasks =>
            {
                for (var task = 0; task < tasksPerPhase; task++)
                {
                    tasks.Task($"{phase}-{task}", _worker, task);
                }
            });
        }

        _workflow = workflow.Build();
        return AddWorkersAsync(Math.Min(tasksPerPhase, 10), suspending: false);
    }

    public async ValueTask<int> RunWorkflowAsync()
    {
        await using var run = await _conductor.Workflows.StartWorkflowAsync(_workflow);
        var results = (await run.Completion).EnsureCompleted().TaskResults;
        var right = 0;
        foreach (var task in _workflow.Tasks)
        {
            right += results[task.Id].Output.Get<int>() == task.Input.Get<int>() + 1 ? 1 : 0;
        }

        return right;
    }

    public async Task SubscribeAsync(IReadOnlyList<Subscriber> subscribers)
    {
        foreach (var subscriber in subscribers)
        {
            await _conductor.Bus.SubscribeAsync(Channels.Broadcast, (message, _) =>
            {
                subscriber.Receive(((DataPayload)message.Payload!).Data.Get<int>());
                return ValueTask.CompletedTask;
            });
        }
    }

    public async ValueTask PublishAsync(int count)
    {
        for (var number = 0; number < count; number++)
        {
            await _conductor.Bus.PublishAsync(Channels.Broadcast, CreateBroadcast(number));
        }
    }

    public object? CreateMessage(int number) => CreateBroadcast(number);

    public override async ValueTask DisposeAsync()
    {
        await _conductor.DisposeAsync();
        await _provider.DisposeAsync();
    }

    /// <summary>Sets up what a variant adds.</summary>
    protected virtual void Configure(ConductorBuilder builder)
    {
    }

    private static TaskDefinition CreateTask(int number) => new() { AgentType = _worker, Input = TaskData.From(number) };

    private static AgentMessage CreateBroadcast(int number) => new()
    {
        Type = MessageType.StatusUpdate,
        Sender = "peers",
        Payload = new DataPayload { Data = TaskData.From(number) },
    };
}
