using System.Reflection;
using System.Text;
using System.Text.Json.Nodes;
using Conductor.Serialization;

namespace Conductor.Tests.Serialization;

public sealed class RecordCodecTests
{
    private static readonly RecordCodec _codec = new();
    private static readonly TaskResult _result = Samples.All.OfType<TaskResult>().Single();

    public static TheoryData<string> Records => [.. Samples.All.Where(IsInTheContext).Select(static sample => sample.GetType().Name)];

    [Fact]
    public void Checksum_OfTheKnownText_IsTheKnownValue() =>
        RecordCodec.Checksum("123456789"u8).Should().Be(0xE3069283, "RFC 3720 names it");

    [Fact]
    public void Encode_Record_IsSchemaVersionChecksumAndJson()
    {
        var line = Encoding.UTF8.GetString(_codec.Encode(_result));
        line.Should().MatchRegex("^1 [0-9a-f]{8} \\{").And.NotContain("\n");
        line[2..10].Should().Be(RecordCodec.Checksum(Encoding.UTF8.GetBytes(line[11..])).ToString("x8"));
    }

    [Theory]
    [MemberData(nameof(Records))]
    public void Decode_WhatEncodeWrote_IsTheSame(string record) => Generic(nameof(RoundTrip), Sample(record));

    [Fact]
    public void Encode_UndefinedValueOfAnEnum_IsNamedAmongTheReasons()
    {
        var act = () => _codec.Encode(_result with { Status = (AgentTaskStatus)42 });

        act.Should().Throw<TaskValidationException>().WithMessage("*undefined value of an enum*");
    }

    /// <summary>Of what a task takes in: NaN, too deep by what stands around it, or what reading throws.</summary>
    [Fact]
    public void Encode_DefinitionOfWhichOneInputCannotBeWritten_NamesTheTask()
    {
        const string Named = "The store cannot write this WorkflowDefinition, because of the input of task 'bad': ";

        RefusedFor(double.NaN).Should().StartWith($"{Named}.NET number values such as positive and negative infinity cannot be written");
        RefusedFor(new PublicFields()).Should().StartWith(Named);
        RefusedFor(Nested(62)).Should().StartWith(Named);
        _codec.Invoking(static codec => codec.Encode(TaskData.From(Nested(62)))).Should().NotThrow("alone it is not too deep");

        static string RefusedFor<T>(T input) => _codec.Invoking(codec => codec.Encode(new WorkflowDefinition
        {
            Name = "w",
            Phases = [WorkflowPhase.Development],
            Tasks = [.. new[] { "a", "bad", "z" }.Select(id => new TaskDefinition
            {
                Id = id, AgentType = AgentType.Coding, Input = id == "bad" ? TaskData.From(input) : "good",
            })],
        })).Should().Throw<TaskValidationException>().Which.Message;

        static object Nested(int depth) => depth == 0 ? "in" : new[] { Nested(depth - 1) };
    }

    [Fact]
    public void Decode_AnyBitOfAnyByteFlipped_NeverGivesOtherData()
    {
        var line = _codec.Encode(_result);
        var unnoticed = new List<int>();
        for (var bit = 0; bit < line.Length * 8; bit++)
        {
            var damaged = (byte[])line.Clone();
            damaged[bit / 8] ^= (byte)(1 << (bit % 8));
            try
            {
                _codec.Encode(_codec.Decode<TaskResult>(damaged, "task_result:t")).Should().Equal(line);
                unnoticed.Add(bit / 8);
            }
            catch (StateException exception)
            {
                // The schema version stands outside the checksum: it is refused all the same.
                exception.ErrorCode.Should().BeOneOf(bit < 8 ? [ErrorCodes.StateIncompatible, ErrorCodes.StateCorrupt] : [ErrorCodes.StateCorrupt]);
            }
        }

        unnoticed.Should().OnlyContain(static at => at >= 2 && at < 10, "a checksum in capitals is the same checksum");
    }

    [Fact]
    public void Decode_AnyByteOfTheJsonReplaced_IsStateCorrupt()
    {
        var line = _codec.Encode(Samples.All.OfType<TaskRedelivery>().Single());
        for (var at = 11; at < line.Length; at++)
        {
            for (var value = 1; value < 256; value++)
            {
                var damaged = (byte[])line.Clone();
                damaged[at] ^= (byte)value;
                var act = () => _codec.Decode<TaskRedelivery>(damaged, "key");
                act.Should().Throw<StateException>($"byte {at} is damaged").Which.ErrorCode.Should().Be(ErrorCodes.StateCorrupt);
            }
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
        var act = () => _codec.Decode<TaskResult>(line, "task_result:t");
        var thrown = act.Should().Throw<StateException>().Which;
        thrown.ErrorCode.Should().Be(ErrorCodes.StateIncompatible);
        thrown.Key.Should().Be("task_result:t");
        thrown.Message.Should().Contain("task_result:t").And.Contain("version 7").And.Contain("up to 1").And.Contain("Update");
    }

    [Theory]
    [InlineData("\"a text\"")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("{\"task_id\":\"t\",\"status\":3}")]
    [InlineData("{\"task_id\":\"t\"")]
    public void Decode_JsonOfAnotherForm_IsStateCorrupt(string json)
    {
        var act = () => _codec.Decode<TaskResult>(Line(json), "task_result:t");
        var thrown = act.Should().Throw<StateException>().Which;
        thrown.ErrorCode.Should().Be(ErrorCodes.StateCorrupt);
        thrown.Key.Should().Be("task_result:t");
    }

    [Theory]
    [MemberData(nameof(Records))]
    public void Decode_AnyMemberOfAnotherKind_IsReadOrStateCorrupt(string record) => Generic(nameof(ReplaceEveryMember), Sample(record));

    [Fact]
    public void Encode_DataOfAnUnknownType_NamesTheFix()
    {
        var options = new ConductorSerializer([]);
        var codec = new RecordCodec(options);
        var act = () => codec.Encode(_result with { Output = TaskData.From(typeof(int)) });
        act.Should().Throw<TaskValidationException>().Which.Message.Should().Contain("AddJsonContext");
    }

    private static void RoundTrip<T>(T record)
    {
        var line = _codec.Encode(record);
        var back = _codec.Decode<T>(line, "key")!;
        back.ShouldBeTheRecord(record!);
        Encoding.UTF8.GetString(_codec.Encode(back)).Should().Be(Encoding.UTF8.GetString(line));
    }

    /// <summary>Puts something else in the place of each value: nothing but a record or STATE_CORRUPT may come of it.</summary>
    private static void ReplaceEveryMember<T>(T record)
    {
        string[] others = ["null", "7", "-1.5", "true", "\"?!\"", "\"\"", "[]", "[null]", "{}", "{\"\":null}"];
        var json = Encoding.UTF8.GetString(_codec.Encode(record))[11..];
        foreach (var path in Paths(JsonNode.Parse(json)!))
        {
            foreach (var other in others)
            {
                var root = JsonNode.Parse(json)!;
                Find(root, path).ReplaceWith(JsonNode.Parse(other));
                try
                {
                    _codec.Decode<T>(Line(root.ToJsonString()), "key");
                }
                catch (StateException exception)
                {
                    exception.ErrorCode.Should().Be(ErrorCodes.StateCorrupt);
                }
                catch (Exception exception)
                {
                    Assert.Fail($"{string.Join('.', path)} = {other}: {exception}");
                }
            }
        }
    }

    private static IEnumerable<object[]> Paths(JsonNode node) => node switch
    {
        JsonObject map => map.SelectMany(static member => Below(member.Key, member.Value)),
        JsonArray list => list.SelectMany(static (item, index) => Below(index, item)),
        _ => [],
    };

    private static IEnumerable<object[]> Below(object step, JsonNode? node) =>
        node is null ? [] : Paths(node).Select(rest => (object[])[step, .. rest]).Prepend([step]);

    private static JsonNode Find(JsonNode root, object[] path) =>
        path.Aggregate(root, static (node, step) => (step is string name ? node[name] : node[(int)step])!);

    private static byte[] Line(string json) => Encoding.UTF8.GetBytes($"1 {RecordCodec.Checksum(Encoding.UTF8.GetBytes(json)):x8} {json}");

    private static object Sample(string name) => Samples.All.Single(candidate => candidate.GetType().Name == name);

    private static bool IsInTheContext(object sample) => ConductorJsonContext.Default.GetTypeInfo(sample.GetType()) is not null;

    private static void Generic(string method, object record) => typeof(RecordCodecTests).GetMethod(method, BindingFlags.NonPublic | BindingFlags.Static)!
        .MakeGenericMethod(record.GetType()).Invoke(null, BindingFlags.DoNotWrapExceptions, null, [record], null);

    /// <summary>The same kinds of exception come from JSON, which does not know a type, and from a property that cannot be read.</summary>
    [Fact]
    public void Encode_APropertyThrowsWhatJsonThrowsToo_SaysWhatMayBeDoneOfThat()
    {
        var result = new TaskResult { TaskId = "t", AgentId = "a", Status = AgentTaskStatus.Completed, Output = TaskData.From(new NotLoaded { Id = 5 }) };

        new RecordCodec().Invoking(codec => codec.Encode(result)).Should().Throw<TaskValidationException>()
            .WithMessage("*the lines are not loaded*AddJsonContext*only holds data*");
    }

    private sealed class NotLoaded
    {
        public int Id { get; set; }

        public string Lines => Id == 0 ? "" : throw new InvalidOperationException("the lines are not loaded");
    }
}
