using BenchmarkDotNet.Attributes;
using Conductor.Benchmarks.Agents;
using Conductor.Messaging;

namespace Conductor.Benchmarks;

/// <summary>One delivery to one subscriber, until all of them have received everything.</summary>
public class PublishBenchmarks : ConductorBenchmark
{
    private const int Deliveries = 5_000;

    private readonly AgentMessage _message = new() { Type = MessageType.StatusUpdate, Sender = "benchmark" };
    private TaskCompletionSource _received = new();
    private int _outstanding;

    [Params(1, 10, 100)]
    public int Subscribers { get; set; }

    [GlobalSetup]
    public async Task StartAsync()
    {
        await StartAsync(agents: 1, static () => new EchoAgent());
        for (var i = 0; i < Subscribers; i++)
        {
            await Conductor.Bus.SubscribeAsync(Channels.Broadcast, ReceiveAsync);
        }
    }

    [Benchmark(OperationsPerInvoke = Deliveries)]
    public async Task PublishAsync()
    {
        _received = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _outstanding = Deliveries;
        for (var i = 0; i < Deliveries / Subscribers; i++)
        {
            await Conductor.Bus.PublishAsync(Channels.Broadcast, _message);
        }

        await _received.Task;
    }

    private ValueTask ReceiveAsync(AgentMessage message, CancellationToken cancellationToken)
    {
        if (Interlocked.Decrement(ref _outstanding) == 0)
        {
            _received.SetResult();
        }

        return ValueTask.CompletedTask;
    }
}
