using Conductor.Benchmarks.Peers.Measuring;

namespace Conductor.Benchmarks.Peers.Contenders.Floors;

/// <summary>A virtual call: what is left when there is nothing between caller and callee.</summary>
internal sealed class DirectContender : Contender, ICallContender, IWorkflowContender
{
    private NumberAgent[] _agents = [];
    private int _tasks;

    public override string Name => "direct";

    public override string Title => "virtual call";

    public override Traits Traits { get; } = new();

    public override Task StartAsync() => Task.CompletedTask;

    public Task AddWorkersAsync(int count, bool suspending)
    {
        _agents = [.. _agents, .. Enumerable.Range(0, count).Select(NumberAgent (_) => suspending ? new SuspendingAgent() : new PlusOneAgent())];
        return Task.CompletedTask;
    }

    public async Task CallAsync(Caller caller)
    {
        while (caller.Next(out var number))
        {
            caller.Done(await _agents[caller.Turn % _agents.Length].RunAsync(number));
        }
    }

    public object? CreateRequest(int number) => null;

    public Task PrepareWorkflowAsync(int phases, int tasksPerPhase)
    {
        _tasks = phases * tasksPerPhase;
        return AddWorkersAsync(tasksPerPhase, suspending: false);
    }

    public async ValueTask<int> RunWorkflowAsync()
    {
        var right = 0;
        for (var task = 0; task < _tasks; task++)
        {
            right += await _agents[task % _agents.Length].RunAsync(task) == task + 1 ? 1 : 0;
        }

        return right;
    }

    public override ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
