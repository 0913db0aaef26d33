using System.Text.Json.Serialization;
using Conductor.Serialization;

namespace Conductor.Tests.Serialization;

/// <summary>Data of which JSON would leave out everything is refused, wherever in what is written it stands, and not stored as <c>{}</c>.</summary>
public sealed class HiddenStateTests
{
    private static readonly RecordCodec _codec = new(new ConductorSerializer([]));

    public static TheoryData<string, TaskData, string> Lost => new()
    {
        { "tuple", TaskData.From((7, "seven")), "items of a tuple*use a record" },
        { "tuple of one item", TaskData.From(ValueTuple.Create(7)), "items of a tuple" },
        { "tuple of many items", TaskData.From((1, 2, 3, 4, 5, 6, 7, 8, 9)), "items of a tuple" },
        { "tuple that may be missing", TaskData.From<(int, string)?>((7, "seven")), "items of a tuple" },
        { "public fields", TaskData.From(new Fields { N = 7 }), $"{typeof(Fields)} *[JsonInclude]" },
        { "inherited fields", TaskData.From(new MoreFields { N = 7 }), $"{typeof(MoreFields)} *[JsonInclude]" },
        { "private state", TaskData.From(new Secret(7)), $"{typeof(Secret)} *use a record" },
        { "struct of fields", TaskData.From(new Coordinates { X = 7 }), "in fields" },
        { "as an object", TaskData.From<object>((7, "seven")), "items of a tuple" },
        { "in a list", TaskData.From(new List<(int, string)> { (7, "seven") }), "items of a tuple" },
        { "in a list of objects", TaskData.From(new object[] { "six", new Fields { N = 7 } }), $"{typeof(Fields)} *in fields" },
        { "in a dictionary", TaskData.From(new Dictionary<string, Fields> { ["n"] = new() { N = 7 } }), "in fields" },
        { "in a record", TaskData.From(new Holder<(int, string)>("n", (7, "seven"))), "items of a tuple" },
        { "in a record in a record", TaskData.From(new Holder<Holder<Fields>>("n", new("m", new Fields { N = 7 }))), "in fields" },
        { "in a member that is an object", TaskData.From(new Holder<object>("n", new Secret(7))), $"{typeof(Secret)} *in fields" },
        { "as a derived type", TaskData.From<Known>(new KnownSecret(7)), $"{typeof(KnownSecret)} *in fields" },
        { "as an interface", TaskData.From<INamed>(new Named("seven")), $"{typeof(Named)} *{typeof(INamed)}*no properties*[JsonDerivedType]" },
        { "as a base", TaskData.From(new Holder<Marker>("n", new Marked("seven"))), $"{typeof(Marked)} *{typeof(Marker)}*no properties" },
        { "after its own word", TaskData.From(new Speaking()), "in fields" },
        { "that can only be set", TaskData.From(new OnlySet { N = 7 }), "not public" },
        { "that only the class can read", TaskData.From(new PrivatelyRead { N = 7 }), "not public" },
    };

    public static TheoryData<string, TaskData, string> Written => new()
    {
        { "tuple of the class", TaskData.From(Tuple.Create(7, "seven")), """{"item1":7,"item2":"seven"}""" },
        { "tuple of nothing", TaskData.From(default(ValueTuple)), "{}" },
        { "marker", TaskData.From(new Marker()), "{}" },
        { "marker of a marker", TaskData.From<Marker>(new SubMarker()), "{}" },
        { "marker struct", TaskData.From(default(Nothing)), "{}" },
        { "marker that speaks", TaskData.From(new SpeakingMarker()), "{}" },
        { "object", TaskData.From(new object()), "{}" },
        { "included field", TaskData.From(new Included { N = 7 }), """{"n":7}""" },
        { "included private field", TaskData.From(new IncludedSecret(7)), """{"_n":7}""" },
        { "converter of the type", TaskData.From(new Converted { N = 7 }), "7" },
        { "converter of the member", TaskData.From(new WithConverted { Inner = new Fields { N = 7 } }), """{"inner":7}""" },
        { "ignored", TaskData.From(new Ignoring { N = 7 }), "{}" },
        { "derived type", TaskData.From<Known>(new KnownRecord("seven")), """{"$type":"record","name":"seven"}""" },
        { "nothing of it there", TaskData.From(new Holder<Fields?>("n", null)), """{"name":"n","inner":null}""" },
        { "empty list of it", TaskData.From(new List<(int, string)>()), "[]" },
        { "anonymous", TaskData.From(new { N = 7 }), """{"n":7}""" },
    };

    [Theory]
    [MemberData(nameof(Lost))]
    public void Encode_DataOfWhichJsonLeavesOutEverything_IsRefusedByName(string form, TaskData data, string message)
    {
        var encode = () => _codec.Encode(Result(data));

        encode.Should().Throw<TaskValidationException>(form).WithMessage($"The store cannot write this TaskResult: *{message}*")
            .Which.ErrorCode.Should().Be(ErrorCodes.TaskValidationFailed);
    }

    [Theory]
    [MemberData(nameof(Written))]
    public void Encode_DataThatIsAllThere_IsWritten(string form, TaskData data, string json) =>
        Encoding(Result(data)).Should().Contain($"\"output\":{json}", form);

    [Fact]
    public void Encode_InputOfADefinition_IsRefused()
    {
        var encode = () => _codec.Encode(new WorkflowDefinition
        {
            Name = "any",
            Tasks = [new TaskDefinition { AgentType = AgentType.Coding, Input = TaskData.From((7, "seven")) }],
        });

        encode.Should().Throw<TaskValidationException>().WithMessage("The store cannot write this WorkflowDefinition, because of the input of task *use a record*");
    }

    /// <summary>As by reflection; a context that has fields included is asked for its types only, and written by the store's options.</summary>
    [Fact]
    public void Encode_TypesOfAGeneratedContext_AreRefusedAlike()
    {
        var codec = new RecordCodec(new ConductorSerializer([FieldsJsonContext.Default]));
        FieldsJsonContext.Default.GetTypeInfo(typeof(PublicFields))!.Properties.Should().ContainSingle("it includes them in its own options");

        ((Action)(() => codec.Encode(Result(TaskData.From(new PublicFields { N = 7 }))))).Should().Throw<TaskValidationException>().WithMessage("*in fields*");
        ((Action)(() => codec.Encode(Result(TaskData.From((7, "seven")))))).Should().Throw<TaskValidationException>().WithMessage("*a tuple*");
        codec.Encode(Result(TaskData.From(new IncludedFields { N = 7 }))).Should().NotBeEmpty();
    }

    private static TaskResult Result(TaskData output) => new() { TaskId = "t", Status = AgentTaskStatus.Completed, Output = output };

    private static string Encoding(TaskResult result) => System.Text.Encoding.UTF8.GetString(_codec.Encode(result));

    private interface INamed;

    private class Fields
    {
        public int N;
    }

    private sealed class MoreFields : Fields;

    private struct Coordinates
    {
        public int X;
    }

    private readonly struct Nothing;

    private sealed class Secret(int n)
    {
        public int Reveal() => n;
    }

    private sealed record Named(string Name) : INamed;

    private record Marker;

    private sealed record SubMarker : Marker;

    private sealed record Marked(string Name) : Marker;

    private sealed record Holder<T>(string Name, T Inner);

    private sealed class Included
    {
        [JsonInclude]
        public int N;
    }

    private sealed class IncludedSecret(int n)
    {
        [JsonInclude]
#pragma warning disable IDE0052 // JSON reads it.
        private readonly int _n = n;
#pragma warning restore IDE0052
    }

    private sealed class OnlySet
    {
        private int _n;

        public int N
        {
            set => _n = value;
        }

        public override string ToString() => $"{_n}";
    }

    private sealed class PrivatelyRead
    {
        public int N { private get; set; }

        public override string ToString() => $"{N}";
    }

    private sealed class Ignoring
    {
        [JsonIgnore]
        public int N { get; set; }
    }

    private sealed class Speaking : IJsonOnSerializing
    {
        private int _written;

        public void OnSerializing() => _written++;
    }

    private sealed class SpeakingMarker : IJsonOnSerializing
    {
        public void OnSerializing()
        {
        }
    }

    [JsonDerivedType(typeof(KnownRecord), "record")]
    [JsonDerivedType(typeof(KnownSecret), "secret")]
    private abstract class Known
    {
        private readonly string _created = "before its JSON";

        public override string ToString() => _created;
    }

    private sealed class KnownRecord(string name) : Known
    {
        public string Name => name;
    }

    private sealed class KnownSecret(int n) : Known
    {
        public int Reveal() => n;
    }

    [JsonConverter(typeof(ToNumber<Converted>))]
    private sealed class Converted : Fields;

    private sealed class WithConverted
    {
        [JsonConverter(typeof(ToNumber<Fields>))]
        public Fields? Inner { get; set; }
    }

    private sealed class ToNumber<T> : JsonConverter<T>
        where T : Fields, new()
    {
        public override T Read(ref System.Text.Json.Utf8JsonReader reader, Type typeToConvert, System.Text.Json.JsonSerializerOptions options) =>
            new() { N = reader.GetInt32() };

        public override void Write(System.Text.Json.Utf8JsonWriter writer, T value, System.Text.Json.JsonSerializerOptions options) =>
            writer.WriteNumberValue(value.N);
    }
}
