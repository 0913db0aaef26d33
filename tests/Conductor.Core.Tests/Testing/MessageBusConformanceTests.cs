using Conductor.Messaging;
using Conductor.Serialization;
using Conductor.Testing;

namespace Conductor.Tests.Testing;

[Trait("Behaviour", "13")]
[Trait("Behaviour", "14")]
public sealed class MessageBusConformanceTests
{
    private static readonly MessageBusConformance _inMemory = new(environment =>
        new ValueTask<MessageBus>(new InMemoryMessageBus(environment.Environment)));

    private static readonly MessageBusConformance _recording = new(environment =>
        new ValueTask<MessageBus>(new RecordingMessageBus(environment.Environment)));

    private static readonly MessageBusConformance _recordingInFront = new(environment =>
        new ValueTask<MessageBus>(new RecordingMessageBus(environment.Environment, inner: new InMemoryMessageBus(environment.Environment))));

    private static readonly MessageBusConformance _json = new(environment =>
        new ValueTask<MessageBus>(new RecordingMessageBus(environment.Environment, json: ConductorJson.Options)));

    public static TheoryData<string> Names => [.. _inMemory.Names];

    [Theory]
    [MemberData(nameof(Names))]
    public Task InMemoryMessageBus_Keeps(string sentence) => _inMemory.RunAsync(sentence);

    [Theory]
    [MemberData(nameof(Names))]
    public Task RecordingMessageBus_Keeps(string sentence) => _recording.RunAsync(sentence);

    [Theory]
    [MemberData(nameof(Names))]
    public Task RecordingMessageBus_InFrontOfAnother_Keeps(string sentence) => _recordingInFront.RunAsync(sentence);

    [Theory]
    [MemberData(nameof(Names))]
    public Task RecordingMessageBus_ThroughJson_Keeps(string sentence) => _json.RunAsync(sentence);
}
