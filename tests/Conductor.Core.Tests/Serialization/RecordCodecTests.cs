using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;
using Conductor.Serialization;

namespace Conductor.Tests.Serialization;

public sealed class RecordCodecTests
{
    private static readonly RecordCodec _codec = new();
    private static readonly TaskResult _result = Samples.All.OfType<TaskResult>().Single();

    public static TheoryData<string> Extensible => [.. Samples.All.Where(static sample => sample is ExtensibleRecord).Select(static sample => sample.GetType().Name)];

    [Fact]
    public void Checksum_OfTheKnownText_IsTheKnownValue() =>
        RecordCodec.Checksum("123456789"u8).Should().Be(0xE3069283, "RFC 3720 names it");

    [Fact]
    public void Decode_WhatEncodeWrote_IsTheSame()
    {
        var line = _codec.Encode(_result);
        Encoding.UTF8.GetString(line).Should().MatchRegex("^1 [0-9a-f]{8} \\{");
        Encoding.UTF8.GetString(_codec.Encode(_codec.Decode<TaskResult>(line, "key"))).Should().Be(Encoding.UTF8.GetString(line));
    }

    [Fact]
    public void Decode_AnyByteFlipped_IsStateCorrupt()
    {
        var line = _codec.Encode(_result);
        for (var i = 1; i < line.Length; i++)
        {
            var damaged = (byte[])line.Clone();
            damaged[i] ^= 0x04;
            var act = () => _codec.Decode<TaskResult>(damaged, "task_result:t");
            act.Should().Throw<StateException>($"byte {i} is damaged").Which.ErrorCode.Should().Be(ErrorCodes.StateCorrupt);
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("1 ")]
    [InlineData("1 00000000 ")]
    [InlineData("plain text that is no record")]
    public void Decode_NoRecord_IsStateCorruptAndNamesTheKey(string text)
    {
        var act = () => _codec.Decode<TaskResult>(Encoding.UTF8.GetBytes(text), "task_result:t");
        var thrown = act.Should().Throw<StateException>().Which;
        thrown.ErrorCode.Should().Be(ErrorCodes.StateCorrupt);
        thrown.Message.Should().Contain("task_result:t");
    }

    [Fact]
    public void Decode_CutAnywhere_IsStateCorrupt()
    {
        var line = _codec.Encode(_result);
        for (var length = 0; length < line.Length; length++)
        {
            var act = () => _codec.Decode<TaskResult>(line.AsSpan(0, length), "key");
            act.Should().Throw<StateException>().Which.ErrorCode.Should().Be(ErrorCodes.StateCorrupt);
        }
    }

    [Fact]
    public void Decode_NewerSchemaVersion_IsRefusedWithBothVersions()
    {
        var line = _codec.Encode(_result);
        line[0] = (byte)'7';
        var act = () => _codec.Decode<TaskResult>(line, "key");
        var thrown = act.Should().Throw<StateException>().Which;
        thrown.ErrorCode.Should().Be(ErrorCodes.StateIncompatible);
        thrown.Message.Should().Contain("version 7").And.Contain("up to 1").And.Contain("Update");
    }

    [Fact]
    public void Decode_JsonOfAnotherForm_IsStateCorrupt()
    {
        var line = _codec.Encode("a text");
        var act = () => _codec.Decode<TaskResult>(line, "key");
        act.Should().Throw<StateException>().Which.ErrorCode.Should().Be(ErrorCodes.StateCorrupt);
    }

    [Theory]
    [MemberData(nameof(Extensible))]
    public void Record_WithMembersOfANewerVersion_KeepsThem(string name)
    {
        var sample = Samples.All.Single(candidate => candidate.GetType().Name == name);
        var info = ConductorJson.Options.GetTypeInfo(sample.GetType());
        var json = JsonNode.Parse(JsonSerializer.Serialize(sample, info))!.AsObject();
        json["from_the_future"] = new JsonObject { ["a"] = 1, ["b"] = new JsonArray("x") };

        var read = (ExtensibleRecord)json.Deserialize(info)!;
        var copy = read with { };

        JsonNode.DeepEquals(JsonNode.Parse(JsonSerializer.Serialize(copy, info)), json).Should().BeTrue();
    }

    [Fact]
    public void Extensible_IsEveryStoredRecord() => Samples.All.OfType<ExtensibleRecord>().Select(static sample => sample.GetType().Name).Should().BeEquivalentTo(
        typeof(ExtensibleRecord).Assembly.GetTypes().Where(static type => type.IsSubclassOf(typeof(ExtensibleRecord))).Select(static type => type.Name));

    [Fact]
    public void WorkflowSummary_MadeIntoAStateAndBack_KeepsWhatItDoesNotKnow()
    {
        var json = JsonSerializer.SerializeToNode(Samples.All.OfType<WorkflowSummary>().Single(), Info<WorkflowSummary>())!.AsObject();
        json["from_the_future"] = 1;
        var summary = json.Deserialize(Info<WorkflowSummary>())!;
        var back = summary.ToState([], new Dictionary<string, TaskResult>(), [], [], []).ToSummary();
        JsonSerializer.SerializeToNode(back with { Status = WorkflowStatus.Waiting }, Info<WorkflowSummary>())!["from_the_future"]!.GetValue<int>().Should().Be(1);
    }

    [Fact]
    public void Encode_DataOfAnUnknownType_NamesTheFix()
    {
        var options = new ConductorSerializer([]);
        var codec = new RecordCodec(options);
        var act = () => codec.Encode(_result with { Output = TaskData.From(typeof(int)) });
        act.Should().Throw<TaskValidationException>().Which.Message.Should().Contain("AddJsonContext");
    }

    private static JsonTypeInfo<T> Info<T>() => (JsonTypeInfo<T>)ConductorJson.Options.GetTypeInfo(typeof(T));
}
