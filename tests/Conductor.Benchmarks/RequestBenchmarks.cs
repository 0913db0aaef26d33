using BenchmarkDotNet.Attributes;
using Conductor.Benchmarks.Agents;
using Conductor.Messaging;

namespace Conductor.Benchmarks;

/// <summary>One request over the bus, and the response to it.</summary>
public class RequestBenchmarks : ConductorBenchmark
{
    private const string Channel = "benchmark:questions";

    [GlobalSetup]
    public async Task StartAsync()
    {
        await StartAsync(agents: 1, static () => new EchoAgent());
        await Conductor.Bus.SubscribeAsync(
            Channel,
            (question, token) => Conductor.Bus.RespondAsync(question, question.CreateResponse(MessageType.Control, "responder"), token));
    }

    [Benchmark]
    public async Task<AgentMessage> RequestAsync() =>
        await Conductor.Bus.RequestAsync(Channel, new AgentMessage { Type = MessageType.Control, Sender = "requester" });
}
