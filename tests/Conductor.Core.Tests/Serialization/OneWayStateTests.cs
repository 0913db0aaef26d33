using System.Numerics;
using System.Text.Json.Serialization;
using Conductor.Serialization;

namespace Conductor.Tests.Serialization;

/// <summary>What JSON writes and cannot fill again is refused when it is read, and does not come back as the default.</summary>
public sealed class OneWayStateTests
{
    private static readonly RecordCodec _codec = new(new ConductorSerializer([]));

    public static TheoryData<string, Action> Lost => new()
    {
        { "structure with a constructor", static () => ThereAndBack(new Position(7)) },
        { "class with methods that change it", static () => ThereAndBack(new Counter().Add()) },
        { "number of .NET", static () => ThereAndBack(new BigInteger(7)) },
        { "list that is only given", static () => ThereAndBack(new Bag { Items = { 7 } }) },
        { "in a record", static () => ThereAndBack(new Holder<Position>(new Position(7))) },
        { "in a list", static () => ThereAndBack(new List<Position> { new(7) }) },
    };

    public static TheoryData<string, Action> Kept => new()
    {
        { "record", static () => ThereAndBack(new Holder<int>(7)).Should().Be(new Holder<int>(7)) },
        { "record structure", static () => ThereAndBack(new Place(7)).Should().Be(new Place(7)) },
        { "class with a constructor", static () => ThereAndBack(new Named("seven")).Name.Should().Be("seven") },
        { "constructor that is marked", static () => ThereAndBack(new Marked(7)).X.Should().Be(7) },
        { "one that can be set, beside one that is made of it", static () => ThereAndBack(new Half { Whole = 8 }).Value.Should().Be(4) },
        { "filled in place", static () => ThereAndBack(new Filled { Items = { 7 } }).Items.Should().Equal(7) },
        { "marker that says its kind", static () => ThereAndBack(new Ping()).Kind.Should().Be("ping") },
        { "marker of a union", static () => ThereAndBack<Command>(new Stop()).Name.Should().Be("stop") },
        { "ignored beside one that is given", static () => ThereAndBack(new Handle { Secret = "s" }).Kind.Should().Be("handle") },
        { "one that restores itself", static () => ThereAndBack(new Restored()).Count.Should().Be(3) },
        { "nothing but what is made of nothing", static () => ThereAndBack(new Constant()).Value.Should().Be(7) },
        { "pair", static () => ThereAndBack(KeyValuePair.Create("n", 7)).Should().Be(KeyValuePair.Create("n", 7)) },
        { "anonymous", static () => ThereAndBack(new { N = 7 }).N.Should().Be(7) },
    };

    private static T ThereAndBack<T>(T value) =>
        _codec.Decode<TaskResult>(
            _codec.Encode(new TaskResult { TaskId = "t", Status = AgentTaskStatus.Completed, Output = TaskData.From(value) }), "r").Output.Get<T>();

    [Theory]
    [MemberData(nameof(Lost))]
    public void Get_DataThatJsonCannotFillAgain_IsRefusedWithTheFix(string form, Action thereAndBack) =>
        thereAndBack.Should().Throw<TaskValidationException>(form).WithMessage("*set none of them*[JsonConstructor]*");

    [Theory]
    [MemberData(nameof(Kept))]
    public void Get_DataThatJsonCanFill_ComesBack(string form, Action thereAndBack) => thereAndBack.Should().NotThrow(form);

    private readonly struct Position(int x)
    {
        public int X { get; } = x;
    }

    private readonly record struct Place(int X);

    private sealed class Counter
    {
        public int Count { get; private set; }

        public Counter Add()
        {
            Count++;
            return this;
        }
    }

    private sealed record Holder<T>(T Value);

    private sealed class Named(string name)
    {
        public string Name { get; } = name;
    }

    [method: JsonConstructor]
    private readonly struct Marked(int x)
    {
        public int X { get; } = x;
    }

    private sealed class Half
    {
        public int Whole { get; init; }

        public int Value => Whole / 2;
    }

    [JsonObjectCreationHandling(JsonObjectCreationHandling.Populate)]
    private sealed class Filled
    {
        public List<int> Items { get; } = [];
    }

    private sealed class Bag
    {
        public List<int> Items { get; } = [];
    }

    private sealed record Ping
    {
        public string Kind { get; } = "ping";

        public int Schema { get; } = 1;
    }

    [JsonDerivedType(typeof(Stop), "stop")]
    private abstract record Command
    {
        public abstract string Name { get; }
    }

    private sealed record Stop : Command
    {
        public override string Name { get; } = "stop";
    }

    private sealed class Handle
    {
        private readonly Lock _gate = new();

        [JsonIgnore]
        public string? Secret { get; set; }

        public string Kind
        {
            get
            {
                lock (_gate)
                {
                    return "handle";
                }
            }
        }
    }

    private sealed class Restored : IJsonOnDeserialized
    {
        public int Count { get; private set; }

        public void OnDeserialized() => Count = 3;
    }

    private sealed class Constant
    {
        public int Value => 7;
    }
}
